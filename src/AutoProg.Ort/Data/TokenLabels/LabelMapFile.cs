using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Files;
using Microsoft.Win32.SafeHandles;

namespace AutoProg.Ort.Data.TokenLabels;

/// <summary>Label maps, and what of an image one token stands for.</summary>
/// <param name="File">The maps.</param>
/// <param name="PixelsPerToken">Side of a token in pixels of the augmented image.</param>
internal sealed record LabelMaps(LabelMapFile File, int PixelsPerToken);

/// <summary>
/// The label maps of a data set, a safetensors file: <c>classes</c> U16 and <c>scores</c> F16, both [images, k, g, g] (the k most probable classes at each of g x g places, from the top left, with
/// probabilities in any scale), and <c>labels</c> I32 [images], the data set's own classes. By these, and by the fingerprint of the images where the file tells one, a file of other images, or of
/// another order, is recognised. Maps are read where they lie, when they are needed. Thread-safe.
/// </summary>
internal sealed class LabelMapFile : IDisposable
{
    /// <summary>Name of the tensor of class numbers.</summary>
    public const string ClassesTensor = "classes";

    /// <summary>Name of the tensor of probabilities.</summary>
    public const string ScoresTensor = "scores";

    /// <summary>Name of the tensor of the data set's own classes.</summary>
    public const string LabelsTensor = "labels";

    /// <summary>Name of the note that tells the fingerprint of the images (<see cref="DatasetFingerprint"/>).</summary>
    public const string ImagesNote = "images_sha256";

    /// <summary>Classes that U16 can number.</summary>
    public const int MostClasses = ushort.MaxValue + 1;

    // More than any teacher's; keeps a malformed file from costing memory.
    private const long MostElements = 1 << 22;

    private readonly SafeFileHandle handle;
    private readonly SafetensorsEntry classes;
    private readonly SafetensorsEntry scores;
    private readonly int classCount;

    private LabelMapFile(string path, SafeFileHandle handle, SafetensorsEntry classes, SafetensorsEntry scores, int classCount)
    {
        (Path, this.handle, this.classes, this.scores, this.classCount) = (path, handle, classes, scores, classCount);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    private int Side => (int)classes.Shape[2];

    private int MapLength => (int)(classes.Shape.ElementCount / classes.Shape[0]);

    /// <summary>Opens the label maps of a data set.</summary>
    /// <param name="path">The file.</param>
    /// <param name="images">The data set.</param>
    /// <param name="cancellationToken">Ends the reading of the images' fingerprint.</param>
    /// <exception cref="FileFormatException">The file is damaged, or does not hold label maps of these images.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static LabelMapFile Open(string path, IImageDataset images, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        using var reader = SafetensorsReader.Open(path);
        var (classes, scores, labels) = (reader[ClassesTensor], reader[ScoresTensor], reader[LabelsTensor]);
        Require(classes.Type == TensorType.U16 && classes.Shape.Rank == 4 && classes.Shape[2] == classes.Shape[3], $"'{ClassesTensor}' is {classes.Type.Spelling()}{classes.Shape}, expected U16 [images, k, g, g]");
        Require(scores.Type == TensorType.F16 && scores.Shape.Equals(classes.Shape), $"'{ScoresTensor}' is {scores.Type.Spelling()}{scores.Shape}, expected F16{classes.Shape}");
        Require(labels.Type == TensorType.I32 && labels.Shape.Equals([classes.Shape[0]]), $"'{LabelsTensor}' is {labels.Type.Spelling()}{labels.Shape}, expected I32[{classes.Shape[0]}]");
        Require(classes.Shape[0] == images.Count, $"it holds maps of {classes.Shape[0]} images, and '{images.Name}' has {images.Count}; make it anew with 'autoprog label'");
        Require(classes.Shape.Skip(1).Aggregate(1L, static (product, dim) => product > MostElements ? product : product * dim) is > 0 and <= MostElements, $"a map has shape {classes.Shape}, expected 1 to {MostElements} elements");
        var own = new int[images.Count];
        reader.ReadBytes(LabelsTensor, MemoryMarshal.AsBytes(own.AsSpan()));
        var other = Enumerable.Range(0, own.Length).FirstOrDefault(i => own[i] != images.LabelOf(i), -1);
        Require(other < 0, $"image {other} has another class here than in '{images.Name}': the maps are those of other images; make them anew with 'autoprog label'");
        Require(
            !reader.Metadata.TryGetValue(ImagesNote, out var labelled) || string.Equals(labelled, DatasetFingerprint.Of(images, cancellationToken).Sha256, StringComparison.Ordinal),
            $"it holds maps of other images than those of '{images.Name}', although their classes are the same; make it anew with 'autoprog label'");
        return new LabelMapFile(path, File.OpenHandle(path, options: FileOptions.RandomAccess), classes, scores, images.ClassNames.Count);

        void Require(bool holds, string problem)
        {
            if (!holds)
            {
                throw new FileFormatException(path, problem);
            }
        }
    }

    /// <summary>The distributions of the tokens of an augmented image.</summary>
    /// <param name="image">Number of the image it was made of.</param>
    /// <param name="placement">Where it lies in that.</param>
    /// <param name="grid">Tokens per side.</param>
    /// <exception cref="FileFormatException">The image's map is damaged.</exception>
    internal TokenTargets Read(int image, ImagePlacement placement, int grid)
    {
        var (numbers, halves, floats) = (new ushort[MapLength], new Half[MapLength], new float[MapLength]);
        Fill(MemoryMarshal.AsBytes(numbers.AsSpan()), classes, image);
        Fill(MemoryMarshal.AsBytes(halves.AsSpan()), scores, image);
        TensorPrimitives.ConvertToSingle(halves, floats);
        var unknown = Array.FindIndex(numbers, number => number >= classCount);
        if (unknown >= 0)
        {
            throw new FileFormatException(Path, $"the map of image {image} has class {numbers[unknown]}, and there are {classCount} classes");
        }

        var places = Side * Side;
        for (var place = 0; place < places; place++)
        {
            var sum = 0f;
            for (var at = place; at < MapLength; at += places)
            {
                sum = floats[at] >= 0 ? sum + floats[at] : float.NaN;
            }

            if (!(sum > 0 && float.IsFinite(sum)))
            {
                throw new FileFormatException(Path, string.Create(CultureInfo.InvariantCulture, $"the scores of image {image} at place {place} add up to {sum}; expected scores from 0 on of which one is above 0"));
            }
        }

        return new LabelMap(Side, numbers, floats).Read(placement, grid);
    }

    /// <inheritdoc />
    public void Dispose() => handle.Dispose();

    private void Fill(Span<byte> bytes, SafetensorsEntry entry, int image)
    {
        var offset = entry.Offset + ((long)image * bytes.Length);
        while (bytes.Length > 0)
        {
            var read = RandomAccess.Read(handle, bytes, offset);
            if (read == 0)
            {
                throw new FileFormatException(Path, "the file became shorter while it was read");
            }

            bytes = bytes[read..];
            offset += read;
        }
    }
}
