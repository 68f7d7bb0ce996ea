using AutoProg.Ort.Data;

namespace AutoProg.Ort.Tests.Data;

/// <summary>Images in memory, different for every index; some may be corrupt, and loading may be intercepted.</summary>
internal sealed class PatternImages(int count, int side = 24, int classes = 5) : IImageDataset
{
    public HashSet<int> Corrupt { get; init; } = [];

    /// <summary>Index of an image whose label is one above the last class.</summary>
    public int WrongLabel { get; init; } = -1;

    public Action<int>? OnLoad { get; init; }

    public string Name => "pattern";

    public int Count => count;

    public IReadOnlyList<string> ClassNames { get; } = [.. Enumerable.Range(0, classes).Select(label => $"class {label}")];

    public int LabelOf(int index) => index == WrongLabel ? ClassNames.Count : index % ClassNames.Count;

    public string Describe(int index) => $"pattern/{index}.png";

    public RgbImage Load(int index, int minimumSide)
    {
        OnLoad?.Invoke(index);
        if (Corrupt.Contains(index))
        {
            throw new ImageUnreadableException("scratched");
        }

        var image = RgbImage.Rent(side, side);
        for (var i = 0; i < image.Pixels.Length; i++)
        {
            image.Pixels[i] = (byte)((i * (index + 3)) ^ (index * 31));
        }

        return image;
    }
}
