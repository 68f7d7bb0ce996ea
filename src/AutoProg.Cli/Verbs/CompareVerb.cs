using System.Globalization;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Trains a recipe under several policies.</summary>
[Verb("compare", HelpText = "Train a recipe under several policies and seeds, and show runtime, speedup and quality side by side.")]
[Example("compare graphs/quickstart.yaml")]
[Example("compare graphs/quickstart.yaml --policies original,autoprog-one --seeds 1,2,3 --experiment seeds")]
[Example("compare graphs/dit-micro-finetune.yaml --policies original,autoprog-zero+nosid,autoprog-zero+sid")]
internal sealed record CompareVerb : RecipeOptions, IVerb
{
    [Value(0, MetaName = "recipe", Required = true, HelpText = "Recipe (YAML); its policy is replaced.")]
    public string Recipe { get; init; } = "";

    [Option("policies", MetaValue = "LIST", Default = "original,prog,autoprog-one", HelpText = "Policies, separated by commas: original, prog, autoprog-one, autoprog-zero; +sid or +nosid switches stage identifiers on or off.")]
    public string Policies { get; init; } = "original,prog,autoprog-one";

    [Option("seeds", MetaValue = "LIST", HelpText = "Seeds, separated by commas; the default is the recipe's.")]
    public string? Seeds { get; init; }

    [Option("output", MetaValue = "DIR", Default = "runs", HelpText = "Folder of all runs.")]
    public string Output { get; init; } = "runs";

    [Option("experiment", MetaValue = "NAME", HelpText = "Name of the comparison's folder; the default is the recipe's name. A comparison that is there goes on.")]
    public string? Experiment { get; init; }

    [Option("overwrite", HelpText = "Replace earlier runs of the comparison instead of taking them as they are.")]
    public bool Overwrite { get; init; }

    /// <inheritdoc />
    public override string Farewell(OperationCanceledException cancelled) => GoesOnWith("the same autoprog compare");

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        var policies = Items("--policies", Policies, PolicyVariant.Parse, $"{string.Join(", ", PolicyNames.All.Select(static p => p.Name))}, each also with +sid or +nosid");
        var recipe = RecipeReader.Read(Recipe, Overrides());
        var seeds = Seeds is null
            ? [recipe.Seed]
            : Items("--seeds", Seeds, static item => long.TryParse(item, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seed) ? seed : (long?)null, "whole numbers");
        var report = context.Watch(recipe.Training.BatchSize, progress => PolicyComparison.Run(
            new ComparisonPlan(recipe, policies, seeds),
            new TrainerOptions { Output = Output, Experiment = Experiment, Overwrite = Overwrite, Logger = context.Log, Progress = progress },
            context.CancellationToken));
        context.Report(report, console => ComparisonTables.Write(console, report));
        return ExitCodes.Done;
    }

    /// <summary>Reads a list of which every item is there once.</summary>
    private static List<T> Items<T>(string option, string list, Func<string, T?> read, string expected)
        where T : struct
    {
        var items = new List<T>();
        foreach (var text in list.Split(',', StringSplitOptions.TrimEntries))
        {
            var item = read(text) ?? throw new UsageException($"{option} {list}: '{text}' is not one of {expected}");
            if (items.Contains(item))
            {
                throw new UsageException($"{option} {list}: '{text}' appears twice");
            }

            items.Add(item);
        }

        return items;
    }
}
