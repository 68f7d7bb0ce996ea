using System.Globalization;
using AutoProg.Graphs;
using AutoProg.Graphs.Import;
using AutoProg.Ort.Foreign;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>A training graph of any forward model.</summary>
[Verb("differentiate", HelpText = "Make a training graph of any forward ONNX model: add a loss and gradients, write graph, manifest and initial weights.")]
[Example("differentiate resnet18.onnx --loss cross-entropy --batch 32 --output resnet18-training")]
[Example("differentiate vit.onnx --loss soft-target --trainable 'heads.*,encoder.layers.encoder_layer_11.*' --input input=8x3x224x224 --output head")]
[Example("differentiate segmenter.onnx --loss per-pixel-cross-entropy --freeze 'backbone.*' --batch-norm train --batch 4 --output segmenter")]
internal sealed record DifferentiateVerb : OutputOptions, IVerb
{
    [Value(0, MetaName = "model", Required = true, HelpText = "The model file, opset 13 to 23; weights inside, or in files beside it.")]
    public string Model { get; init; } = "";

    [Option("loss", MetaValue = "LOSS", Required = true, HelpText = "cross-entropy (class numbers), soft-target (class distributions), per-pixel-cross-entropy (a class number per place; 255 does not count) or mse.")]
    public string Loss { get; init; } = "";

    [Option("trainable", MetaValue = "GLOBS", Separator = ',', HelpText = "Names of the initializers that learn, with * and ?, separated by commas; the default is all of them. Running statistics never learn.")]
    public IEnumerable<string> Trainable { get; init; } = [];

    [Option("freeze", MetaValue = "GLOBS", Separator = ',', HelpText = "Names of initializers that do not learn, although --trainable names them.")]
    public IEnumerable<string> Freeze { get; init; } = [];

    [Option("batch", MetaValue = "N", HelpText = "Samples per run: the first axis of every input; the default is what the file says.")]
    public int? Batch { get; init; }

    [Option("input", MetaValue = "NAME=SHAPE", HelpText = "Shape of an input that the file leaves open, e.g. input=8x3x224x224; several are separated by blanks.")]
    public IEnumerable<string> Input { get; init; } = [];

    [Option("result", MetaValue = "NAME", HelpText = "The output that the loss compares; the default is the first.")]
    public string? Result { get; init; }

    [Option("batch-norm", MetaValue = "MODE", Default = BatchNormMode.File, HelpText = "file (what the model file says; exporters write eval), train (the batch's statistics) or eval (the stored ones).")]
    public BatchNormMode BatchNorm { get; init; }

    [Option("population-variance", HelpText = "Tell the batch's variance as ONNX defines running variances; the default is the unbiased one, as in PyTorch.")]
    public bool PopulationVariance { get; init; }

    [Option("output", MetaValue = "DIR", Required = true, HelpText = "Folder for training.onnx, training.json and weights.safetensors.")]
    public string Output { get; init; } = "";

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        if (Batch < 1)
        {
            throw new UsageException("--batch is at least 1");
        }

        var options = new DifferentiationOptions
        {
            Loss = LossNamed(Loss),
            Output = Output,
            Trainable = Trainable.Any() ? [.. Trainable] : TrainableNames.All,
            Freeze = [.. Freeze],
            Batch = Batch,
            Shapes = ShapesNamed(Input),
            Result = Result,
            BatchNorm = BatchNorm,
            UnbiasedVariance = !PopulationVariance,
        };
        var result = VerbContext.Ask(() => ModelDifferentiation.Run(Model, options));
        context.Report(result, console => DifferentiationTable.Write(console, result));
        return ExitCodes.Done;
    }

    private static LossKind LossNamed(string name) => name switch
    {
        "cross-entropy" => LossKind.CrossEntropy,
        "soft-target" => LossKind.SoftTarget,
        "per-pixel-cross-entropy" => LossKind.PerPixelCrossEntropy,
        "mse" => LossKind.Mse,
        _ => throw new UsageException($"--loss is '{name}'; expected cross-entropy, soft-target, per-pixel-cross-entropy or mse"),
    };

    private static Dictionary<string, Shape> ShapesNamed(IEnumerable<string> texts)
    {
        var shapes = new Dictionary<string, Shape>(StringComparer.Ordinal);
        foreach (var (name, shape) in texts.Select(ShapeNamed))
        {
            if (!shapes.TryAdd(name, shape))
            {
                throw new UsageException($"--input names '{name}' twice; give one shape per input");
            }
        }

        return shapes;
    }

    private static KeyValuePair<string, Shape> ShapeNamed(string text)
    {
        var (name, sizes) = text.LastIndexOf('=') is var equals and > 0 ? (text[..equals], text[(equals + 1)..].Split('x')) : ("", []);
        var dims = sizes.Select(static size => long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var dim) ? dim : 0).ToArray();
        return dims.Length > 0 && dims.All(static dim => dim > 0)
            ? new(name, Shape.Of(dims))
            : throw new UsageException($"--input is '{text}'; expected NAME=SHAPE, e.g. input=8x3x224x224");
    }
}
