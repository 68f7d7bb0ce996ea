using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Shows the ballot of a zero-shot search.</summary>
[Verb("search", HelpText = "Show what AutoProg-Zero would decide next, with every candidate's proxies and ranks; trains nothing.")]
[Example("search graphs/dit-micro-finetune.yaml")]
[Example("search runs/dit --json")]
internal sealed record SearchVerb : DataOptions, IVerb
{
    [Value(0, MetaName = "recipe", Required = true, HelpText = "Recipe (YAML), or the folder of a run: its next stage.")]
    public string Path { get; init; } = "";

    [Option("output", MetaValue = "DIR", Default = "runs", HelpText = "Folder of all runs; what the recipe needs trained first is looked for and made there.")]
    public string Output { get; init; } = "runs";

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        var decision = VerbContext.Ask(() => SearchPreview.Run(Path, new TrainerOptions { Output = Output, Logger = context.Log }, Overrides(), context.CancellationToken));
        context.Report(decision, console => console.Write(ScheduleTables.Ballot(decision)));
        return ExitCodes.Done;
    }
}
