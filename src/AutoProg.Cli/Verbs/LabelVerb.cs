using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;
using CommandLine;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>Writes label maps.</summary>
[Verb("label", HelpText = "Write label maps of a recipe's training images, as a teacher model sees them, for data.token_labels.")]
[Example("label graphs/volo-micro.yaml --teacher teacher.onnx --output labels.safetensors")]
internal sealed record LabelVerb : DataOptions, IVerb
{
    [Value(0, MetaName = "recipe", Required = true, HelpText = "Recipe (YAML): which images, and how they are normalised.")]
    public string Recipe { get; init; } = "";

    [Option("teacher", MetaValue = "FILE", Required = true, HelpText = "ONNX model: images [N, 3, r, r] to logits [N, K, g, g] or [N, g g, K].")]
    public string Teacher { get; init; } = "";

    [Option("teacher-output", MetaValue = "NAME", HelpText = "The teacher's output to take, where it has several.")]
    public string? TeacherOutput { get; init; }

    [Option("output", MetaValue = "FILE", Default = "token-labels.safetensors", HelpText = "The file to write.")]
    public string Output { get; init; } = "token-labels.safetensors";

    [Option("top", MetaValue = "N", Default = 5, HelpText = "Classes to keep per place.")]
    public int Top { get; init; } = 5;

    [Option("resolution", MetaValue = "PX", HelpText = "Pixels per side that the teacher sees, where its file leaves it open.")]
    public int? Resolution { get; init; }

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        if (Top < 1)
        {
            throw new UsageException("--top is at least 1");
        }

        if (Resolution < 1)
        {
            throw new UsageException("--resolution is at least 1");
        }

        var options = new LabelOptions { Teacher = Teacher, Output = TeacherOutput, File = Output, Top = Top, Resolution = Resolution, Logger = context.Log };
        var result = VerbContext.Ask(() => DataLabeling.Run(RecipeReader.Read(Recipe, Overrides()), options, context.CancellationToken));
        context.Report(result, console => console.WriteLine($"{result.File}: {result.Images} images, {result.Grid} x {result.Grid} places."));
        return ExitCodes.Done;
    }
}
