using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Training graphs ahead of the run.</summary>
[Verb("graphs", HelpText = "Build the graphs of every sub-network of a recipe ahead of the run, or list what is there.")]
[Example("graphs build graphs/quickstart.yaml --graphs-dir graphs/artifacts")]
[Example("graphs list graphs/quickstart.yaml --graphs-dir graphs/artifacts")]
[Example("graphs build graphs/quickstart.yaml --graphs-dir graphs/artifacts --official")]
internal sealed record GraphsVerb : RecipeOptions, IVerb
{
    [Value(0, MetaName = "build|list", Required = true, HelpText = "build what is missing, or list what is there.")]
    public string Action { get; init; } = "";

    [Value(1, MetaName = "recipe", Required = true, HelpText = "Recipe (YAML).")]
    public string Recipe { get; init; } = "";

    [Option("policy", MetaValue = "NAME"), RecipeKey("growth.policy")]
    public string? Policy { get; init; }

    [Option("official", HelpText = "Build folders for ONNX Runtime's on-device training instead, one per sub-network and frozen configuration.")]
    public bool Official { get; init; }

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        var recipe = Action is "build" or "list"
            ? RecipeReader.Read(Recipe, Overrides())
            : throw new UsageException($"expected 'build' or 'list', found '{Action}'");
        if (Official)
        {
            return BuildOfficial(recipe, context);
        }

        var graphs = Action == "build"
            ? GraphPreparation.Build(recipe, context.Log, progress: null, context.CancellationToken)
            : GraphPreparation.List(recipe, context.CancellationToken);
        context.Report(new { recipe.Runtime.GraphsDir, Graphs = graphs }, console => console.Write(GraphsTable.Of(graphs)));
        return ExitCodes.Done;
    }

    private int BuildOfficial(Recipe recipe, VerbContext context)
    {
        if (Action != "build")
        {
            throw new UsageException("--official goes with 'build' only; the folders of on-device training are not listed");
        }

        var artifacts = OnDevicePreparation.Build(recipe, context.Log, progress: null, context.CancellationToken);
        context.Report(new { recipe.Runtime.GraphsDir, Artifacts = artifacts }, console => console.Write(GraphsTable.Of(artifacts)));
        return ExitCodes.Done;
    }
}
