using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Trains a recipe, or goes on with a run.</summary>
[Verb("train", HelpText = "Train a recipe, or go on with an interrupted run.")]
[Example("train graphs/quickstart.yaml")]
[Example("train graphs/quickstart.yaml --policy original --epochs 30 --lr 5e-4 --experiment baseline")]
[Example("train graphs/quickstart.yaml --dry-run")]
[Example("train --resume runs/baseline")]
internal sealed record TrainVerb : RecipeOptions, IVerb
{
    /// <summary>What <c>--resume</c> without a value stands for.</summary>
    public const string Latest = "latest";

    [Value(0, MetaName = "recipe", HelpText = "Recipe (YAML); not needed with --resume.")]
    public string? Recipe { get; init; }

    [Option("output", MetaValue = "DIR", Default = "runs", HelpText = "Folder of all runs.")]
    public string Output { get; init; } = "runs";

    [Option("experiment", MetaValue = "NAME", HelpText = "Name of the run's folder; the default is made of time, model and size.")]
    public string? Experiment { get; init; }

    [Option("overwrite", HelpText = "Replace an earlier run of that name.")]
    public bool Overwrite { get; init; }

    [Option("resume", MetaValue = "[RUN|latest]", HelpText = "Go on with a run, or with the latest one in --output; an error where there is nothing to go on with.")]
    public string? Resume { get; init; }

    [Option("auto-resume", HelpText = "Go on with the run of --experiment if there is one, else start it.")]
    public bool AutoResume { get; init; }

    [Option("dry-run", HelpText = "Check recipe, data, model, memory and schedule, and train nothing.")]
    public bool DryRun { get; init; }

    [Option("policy", MetaValue = "NAME"), RecipeKey("growth.policy")]
    public string? Policy { get; init; }

    [Option("auto-grow", HelpText = "Search the schedule: --policy autoprog-one.")]
    public bool AutoGrow { get; init; }

    [Option("no-auto-grow", HelpText = "Follow the fixed schedule: --policy prog.")]
    public bool NoAutoGrow { get; init; }

    /// <inheritdoc />
    public override string Farewell(OperationCanceledException cancelled) =>
        Resume is null && cancelled is not RunCanceledException { Checkpoint: not null } ? $"{Stopped} before anything was trained"
        : GoesOnWith(
            Resume is not null and not Latest ? $"autoprog train --resume {Resume}"
            : Experiment is not null ? $"autoprog train --resume {Path.Combine(Output, Experiment)}"
            : $"autoprog train --resume {Latest} --output {Output}");

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        Check();
        IReadOnlyList<RecipeOverride> overrides =
        [
            .. AutoGrow || NoAutoGrow ? [new RecipeOverride("growth.policy", NoAutoGrow ? "prog" : "autoprog-one", NoAutoGrow ? "--no-auto-grow" : "--auto-grow")] : Array.Empty<RecipeOverride>(),
            .. Overrides(),
        ];
        var start = RunStart.Find(this, context.Log);
        var recipe = RecipeReader.Read(start.RecipeFile, overrides);
        IgnoredSettings.Refuse(recipe, overrides);
        var (train, val) = ImageDatasets.Open(recipe.Data, recipe.Seed, context.CancellationToken);
        var plan = RunPlan.Make(recipe, train, val);
        if (DryRun)
        {
            context.Report(plan, console => console.Write(PlanTable.Of(plan)));
            return ExitCodes.Done;
        }

        context.Inform(PlanTable.Schedule(plan));
        var summary = context.Watch(recipe.Training.BatchSize, progress =>
        {
            var options = new TrainerOptions
            {
                Output = Output,
                Experiment = Experiment,
                Overwrite = Overwrite || start.IsLeftover,
                Logger = context.Log,
                Progress = progress,
                TrainingImages = train,
                EvaluationImages = val,
            };
            return start.Run is { } run
                ? ProgressiveTrainer.Resume(run, options, overrides, context.CancellationToken)
                : new ProgressiveTrainer(recipe, options).Run(context.CancellationToken);
        });
        context.Report(summary, console => SummaryTables.Write(console, summary));
        return ExitCodes.Done;
    }

    private void Check()
    {
        if (AutoGrow && NoAutoGrow)
        {
            throw new UsageException("--auto-grow and --no-auto-grow exclude each other");
        }

        if (Policy is not null && (AutoGrow || NoAutoGrow))
        {
            throw new UsageException($"--policy and --{(AutoGrow ? "auto-grow" : "no-auto-grow")} both choose the policy; give one of them");
        }

        if (Resume is not null && (AutoResume || Overwrite || Experiment is not null))
        {
            throw new UsageException($"--resume goes on with a run as it is; leave {(AutoResume ? "--auto-resume" : Overwrite ? "--overwrite" : "--experiment")} away");
        }

        if (AutoResume && (Experiment is null || Recipe is null))
        {
            throw new UsageException("--auto-resume needs a recipe and --experiment NAME: it goes on with that run, or starts it");
        }

        if (AutoResume && Overwrite)
        {
            throw new UsageException("--auto-resume and --overwrite exclude each other");
        }

        if (Resume is null && Recipe is null)
        {
            throw new UsageException("expected <recipe>, or --resume with a run");
        }
    }
}
