using AutoProg.Graphs;
using AutoProg.Graphs.Import;

namespace AutoProg.Models;

/// <summary>What of a model file learns, and how it is fed.</summary>
public sealed record ForeignModelOptions
{
    /// <summary>The stride of most classifiers as a whole.</summary>
    public const int DefaultStep = 32;

    /// <summary>Which stored tensors learn; the others are constants. Running statistics of batch normalisation never do.</summary>
    public Func<string, bool> Learns { get; init; } = static _ => true;

    /// <summary>Side of the images, where the file leaves it open.</summary>
    public int? ImgSize { get; init; }

    /// <summary>What the side is a multiple of, where the file leaves it open.</summary>
    public int ResolutionStep { get; init; } = DefaultStep;

    /// <summary>What batch normalisation does while the model is trained.</summary>
    public BatchNormMode BatchNorm { get; init; }

    /// <summary>Whether running variances follow the unbiased variance of the batch, as in PyTorch; ONNX takes the batch's as it is.</summary>
    public bool UnbiasedVariance { get; init; } = true;
}

/// <summary>
/// A classifier out of a model file: its graph is what it is, so depth is fixed, and the resolution, too, unless the file leaves it open. It counts as a single block.
/// </summary>
public sealed class ForeignModel : IElasticModel
{
    // Not 1: a batch of one hides what mixes samples, and batch norm cannot normalise it.
    private const int TrialBatch = 2;

    private readonly OnnxModelFile file;
    private readonly ForeignModelOptions options;
    private readonly OnnxTensor input;
    private readonly bool hasFreeSides;

    /// <summary>Takes a file; builds its graph once, so that whatever is wrong with it is told here.</summary>
    /// <param name="name">What it is called in reports and names of files.</param>
    /// <param name="file">One input [batch, channels, side, side]; the first output is [batch, classes].</param>
    /// <param name="options">What learns.</param>
    /// <exception cref="OnnxFormatException">The file has nodes that are not supported, or is no classifier of square images.</exception>
    /// <exception cref="ArgumentException">The options do not fit the file.</exception>
    public ForeignModel(string name, OnnxModelFile file, ForeignModelOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(file);
        Name = string.Concat(name.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '_'));
        this.file = file;
        this.options = options ?? new ForeignModelOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(this.options.ResolutionStep, nameof(options));
        input = file.Inputs is [{ Type: ElementType.Float, Dims: { Count: 4 } } only]
            ? only
            : throw new OnnxFormatException(file.Path, $"its inputs are {string.Join(", ", file.Inputs.Select(static i => $"'{UntrustedText.Shown(i.Name)}' {i.Type} {i.ShownDims}"))}; one of images [batch, channels, height, width] is needed for training on images.");
        hasFreeSides = input.Dims![2] is null && input.Dims[3] is null;
        MaxResolution = Side();
        ResolutionStep = hasFreeSides ? this.options.ResolutionStep : MaxResolution;
        var batch = (int)Math.Min(input.Dims[0] ?? TrialBatch, int.MaxValue);
        var graph = Import(MaxResolution, batch, training: true);
        ClassCount = (int)LogitsOf(graph, batch).Shape[1];
        Parameters = [.. Describe(graph)];
        if (Parameters.Count == 0)
        {
            throw new ArgumentException($"{file.Path}: nothing of it would learn; name at least one of its {file.Initializers.Count} stored tensors, e.g. with '*'.", nameof(options));
        }
    }

    /// <summary>What it is called, as far as that is fit for names of files.</summary>
    public string Name { get; }

    /// <summary>The model file.</summary>
    public OnnxModelFile File => file;

    /// <summary>What batch normalisation does while the model is trained.</summary>
    public BatchNormMode BatchNorm => options.BatchNorm;

    /// <summary>The batch size that the file fixes; null where it leaves it open.</summary>
    public int? Batch => (int?)input.Dims![0];

    /// <summary>Names in the file of what the graphs call <see cref="ModelGraph.ImageInput"/> and <see cref="ModelGraph.LogitsOutput"/>.</summary>
    public IReadOnlyDictionary<string, string> NamesInFile => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [ModelGraph.ImageInput] = input.Name,
        [ModelGraph.LogitsOutput] = file.Outputs[0].Name,
    };

    /// <inheritdoc />
    public int ClassCount { get; }

    /// <inheritdoc />
    public int InputChannels => (int)(input.Dims![1] ?? 3);

    /// <inheritdoc />
    public int MaxResolution { get; }

    /// <summary>One: the graph is what it is.</summary>
    public int MaxDepth => 1;

    /// <inheritdoc />
    public int ResolutionStep { get; }

    /// <inheritdoc />
    public bool HasDropPath => false;

    /// <summary>False: a file may hold anything.</summary>
    public bool KeepsSamplesApart => false;

    /// <inheritdoc />
    public string OutputName => ModelGraph.LogitsOutput;

    /// <summary>What learns, in the order in which the graph reads it, and the running statistics.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Nothing: the names of the only block's parameters have nothing in common.</summary>
    public string BlockPrefix(BlockAddress block) => "";

    /// <inheritdoc />
    public IReadOnlyList<int> SplitDepth(int depth)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(depth, 1);
        return [1];
    }

    /// <inheritdoc />
    public ModelGraph Build(int resolution, int depth, int batch, ModelGraphOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNotEqual(depth, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        if (resolution < 1 || resolution % ResolutionStep != 0 || (!hasFreeSides && resolution != MaxResolution))
        {
            throw new ArgumentOutOfRangeException(nameof(resolution), resolution, hasFreeSides ? $"A multiple of {ResolutionStep} is needed." : $"{file.Path} is exported for {MaxResolution} pixels.");
        }

        var graph = Import(resolution, batch, options.Training);
        return new ModelGraph(graph.Builder, Parameters, graph.Builder.Inputs[0], LogitsOf(graph, batch))
        {
            Statistics = graph.Statistics.ToDictionary(static s => s.Buffer, static s => s.OfBatch, StringComparer.Ordinal),
        };
    }

    /// <summary>The first output: a file that was exported for one batch size may give something else for another.</summary>
    private Value LogitsOf(ImportedGraph graph, int batch)
    {
        var logits = graph.Outputs.Values.First();
        return logits.Type == ElementType.Float && logits.Shape is [var rows, _] && rows == batch
            ? logits
            : throw new OnnxFormatException(file.Path, $"its first output is {logits.Type}{logits.Shape} for {batch} images; logits [batch, classes] are needed. {OnnxImport.BakedIn}");
    }

    private ImportedGraph Import(int resolution, int batch, bool training) => OnnxImport.Build(file, new OnnxImportOptions
    {
        Shapes = new Dictionary<string, Shape>(StringComparer.Ordinal) { [input.Name] = [batch, InputChannels, resolution, resolution] },
        InputNames = new Dictionary<string, string>(StringComparer.Ordinal) { [input.Name] = ModelGraph.ImageInput },
        IsParameter = options.Learns,
        BatchNorm = options.BatchNorm,
        Training = training,
        UnbiasedVariance = options.UnbiasedVariance,
    });

    private IEnumerable<Parameter> Describe(ImportedGraph graph)
    {
        var block = new BlockAddress(0, 0);
        return graph.Builder.Parameters.Select(p => new Parameter(p.Name, p.Shape, StoredIn(p.Name), WeightDecay: p.Shape.Rank > 1, block))
            .Concat(graph.Statistics.Select(s => new Parameter(s.Buffer, s.OfBatch.Shape, StoredIn(s.Buffer), WeightDecay: false, block, new RunningStatistic(s.Momentum))));
    }

    private Initializer.Stored StoredIn(string name) => new(() => file.Read(name));

    private int Side()
    {
        var (height, width) = (input.Dims![2] ?? input.Dims[3], input.Dims[3] ?? input.Dims[2]);
        if (height != width)
        {
            throw new OnnxFormatException(file.Path, $"its images are {input.ShownDims}; square ones are needed for training on images.");
        }

        return (height, options.ImgSize) switch
        {
            ({ } side, { } asked) when side != asked => throw new ArgumentException($"{file.Path} is exported for {side} pixels, {asked} are asked for; export it with dynamic axes, or leave the size away.", nameof(options)),
            ({ } side, _) when side <= int.MaxValue => (int)side,
            (_, { } asked) when asked > 0 => asked,
            _ => throw new ArgumentException($"{file.Path} leaves the size of its images open ({input.ShownDims}); say how many pixels.", nameof(options)),
        };
    }
}
