using System.Security.Cryptography;

namespace AutoProg.Ort.Data.Formats;

/// <summary>The images of some classes of a data set, numbered anew.</summary>
public sealed class ChosenClasses : IImageDataset
{
    private readonly IImageDataset dataset;
    private readonly int[] indices;
    private readonly int[] labels;

    /// <summary>Chooses classes.</summary>
    /// <param name="dataset">To choose from.</param>
    /// <param name="classes">Names of classes, each once; the first becomes class 0.</param>
    /// <exception cref="DataException">There is no such class, a class is named twice, or the chosen ones have no image.</exception>
    public ChosenClasses(IImageDataset dataset, IReadOnlyList<string> classes)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(classes);
        if (classes.FirstOrDefault(name => !dataset.ClassNames.Contains(name)) is { } unknown)
        {
            throw new DataException($"data.classes names '{unknown}', which is no class of '{dataset.Name}'; it has {string.Join(", ", dataset.ClassNames.Take(20))}.");
        }

        if (classes.Distinct(StringComparer.Ordinal).Count() != classes.Count)
        {
            throw new DataException($"data.classes [{string.Join(", ", classes)}] names a class twice.");
        }

        this.dataset = dataset;
        ClassNames = classes;
        int[] numbers = [.. dataset.ClassNames.Select(name => classes.ToList().IndexOf(name))];
        indices = [.. Enumerable.Range(0, dataset.Count).Where(i => numbers[dataset.LabelOf(i)] >= 0)];
        labels = [.. indices.Select(i => numbers[dataset.LabelOf(i)])];
        if (indices.Length == 0)
        {
            throw new DataException($"'{dataset.Name}' has no image of the classes {string.Join(", ", classes)}.");
        }
    }

    /// <inheritdoc />
    public string Name => dataset.Name;

    /// <inheritdoc />
    public int Count => indices.Length;

    /// <inheritdoc />
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc />
    public int LabelOf(int index) => labels[index];

    /// <inheritdoc />
    public string Describe(int index) => dataset.Describe(indices[index]);

    /// <inheritdoc />
    public RgbImage Load(int index, int minimumSide) => dataset.Load(indices[index], minimumSide);

    /// <inheritdoc />
    public bool TryIdentify(int index, IncrementalHash hash) => dataset.TryIdentify(indices[index], hash);
}
