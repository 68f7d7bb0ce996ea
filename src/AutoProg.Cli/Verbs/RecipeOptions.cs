using System.Reflection;
using AutoProg.Ort.Recipes;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Where a run happens; the recipe keys that every verb which computes may override.</summary>
internal abstract record RuntimeOptions : OutputOptions
{
    [Option("device", MetaValue = "NAME", HelpText = "cpu or cuda:N."), RecipeKey("runtime.device")]
    public string? Device { get; init; }

    [Option("threads", MetaValue = "N", HelpText = "Threads; 0 takes the number of processors."), RecipeKey("runtime.threads")]
    public string? Threads { get; init; }

    [Option("set", MetaValue = "KEY=VALUE", HelpText = "Set any key of the recipe, e.g. growth.operator=stacking; may be repeated.")]
    public IEnumerable<string> Set { get; init; } = [];

    /// <summary>What takes precedence over the recipe's file: options in their order here, then assignments in theirs.</summary>
    public IReadOnlyList<RecipeOverride> Overrides() => [.. Shorthands(), .. Set.Select(RecipeOverride.FromSet)];

    /// <summary>The options of a verb that stand for a key.</summary>
    public static IEnumerable<(PropertyInfo Property, string Option, RecipeKeyAttribute Key)> ShorthandsOf(Type verb) =>
        from property in VerbProperties.Of(verb)
        let key = property.GetCustomAttribute<RecipeKeyAttribute>()
        where key is not null
        select (property, property.GetCustomAttribute<OptionAttribute>()!.LongName, key);

    private IEnumerable<RecipeOverride> Shorthands() =>
        from shorthand in ShorthandsOf(GetType())
        let value = (string?)shorthand.Property.GetValue(this)
        where value is not null
        select RecipeOverride.FromOption($"--{shorthand.Option}", shorthand.Key.Key, value) with { Value = shorthand.Key.AsList ? $"[{value}]" : value };
}

/// <summary>Which images are used.</summary>
internal abstract record DataOptions : RuntimeOptions
{
    [Option("dataset", MetaValue = "FORMAT"), RecipeKey("data.dataset")]
    public string? Dataset { get; init; }

    [Option("data-dir", MetaValue = "DIR", HelpText = "Root folder of the images."), RecipeKey("data.data_dir")]
    public string? DataDir { get; init; }

    [Option("val-split", MetaValue = "NAME", HelpText = "Folder of the evaluation images; null tries val, validation and test."), RecipeKey("data.val_split")]
    public string? ValSplit { get; init; }

    [Option("workers", MetaValue = "N", HelpText = "Threads that decode and augment."), RecipeKey("data.workers")]
    public string? Workers { get; init; }
}

/// <summary>
/// The table of options that stand for a key of the recipe, under the names that timm, DiT and AutoProg's authors use. A new shorthand is a property here;
/// help takes the default from the engine, and what is expected where the option tells no more.
/// </summary>
internal abstract record RecipeOptions : DataOptions
{
    [Option("seed", MetaValue = "N", HelpText = "Root of all randomness."), RecipeKey("seed")]
    public string? Seed { get; init; }

    [Option("model", MetaValue = "NAME", HelpText = "Model, e.g. deit_small."), RecipeKey("model.name")]
    public string? Model { get; init; }

    [Option("img-size", MetaValue = "PX", HelpText = "Largest resolution."), RecipeKey("model.img_size")]
    public string? ImgSize { get; init; }

    [Option("num-classes", MetaValue = "N", HelpText = "Classes; null takes the data set's."), RecipeKey("model.num_classes")]
    public string? NumClasses { get; init; }

    [Option("drop-path", MetaValue = "RATE", HelpText = "Stochastic depth of the last block."), RecipeKey("model.drop_path")]
    public string? DropPath { get; init; }

    [Option("initial-checkpoint", MetaValue = "FILE", HelpText = "Weights to start from (safetensors, .pt, .pth or ort-training)."), RecipeKey("model.initial_checkpoint")]
    public string? InitialCheckpoint { get; init; }

    [Option("train-split", MetaValue = "NAME", HelpText = "Folder of the training images."), RecipeKey("data.train_split")]
    public string? TrainSplit { get; init; }

    [Option("aa", MetaValue = "POLICY", HelpText = "RandAugment as timm spells it; null is none."), RecipeKey("augmentation.aa")]
    public string? Aa { get; init; }

    [Option("color-jitter", MetaValue = "X", HelpText = "Colour jitter, without --aa."), RecipeKey("augmentation.color_jitter")]
    public string? ColorJitter { get; init; }

    [Option("reprob", MetaValue = "P", HelpText = "Probability of random erasing."), RecipeKey("augmentation.reprob")]
    public string? Reprob { get; init; }

    [Option("mixup", MetaValue = "ALPHA", HelpText = "Mixup; 0 is off."), RecipeKey("augmentation.mixup")]
    public string? Mixup { get; init; }

    [Option("cutmix", MetaValue = "ALPHA", HelpText = "CutMix; 0 is off."), RecipeKey("augmentation.cutmix")]
    public string? Cutmix { get; init; }

    [Option("smoothing", MetaValue = "X", HelpText = "Label smoothing."), RecipeKey("augmentation.smoothing")]
    public string? Smoothing { get; init; }

    [Option("epochs", MetaValue = "N", HelpText = "Length of the run."), RecipeKey("training.epochs")]
    public string? Epochs { get; init; }

    [Option("batch-size", MetaValue = "N", HelpText = "Images per update (global batch)."), RecipeKey("training.batch_size")]
    public string? BatchSize { get; init; }

    [Option("micro-batch-size", MetaValue = "N", HelpText = "Images per pass; 0 takes what fits."), RecipeKey("training.micro_batch_size")]
    public string? MicroBatchSize { get; init; }

    [Option("max-train-steps", MetaValue = "N", HelpText = "Ends after so many updates; 0 is no limit."), RecipeKey("training.max_train_steps")]
    public string? MaxTrainSteps { get; init; }

    [Option("clip-grad", MetaValue = "NORM", HelpText = "Largest gradient norm; null does not clip."), RecipeKey("training.clip_grad")]
    public string? ClipGrad { get; init; }

    [Option("log-interval", MetaValue = "N", HelpText = "Updates between log lines."), RecipeKey("training.log_interval")]
    public string? LogInterval { get; init; }

    [Option("opt", MetaValue = "NAME"), RecipeKey("optimizer.name")]
    public string? Opt { get; init; }

    [Option("lr", MetaValue = "X", HelpText = "Peak learning rate."), RecipeKey("optimizer.lr")]
    public string? Lr { get; init; }

    [Option("weight-decay", MetaValue = "X", HelpText = "Weight decay."), RecipeKey("optimizer.weight_decay")]
    public string? WeightDecay { get; init; }

    [Option("sched", MetaValue = "NAME"), RecipeKey("schedule.name")]
    public string? Sched { get; init; }

    [Option("min-lr", MetaValue = "X", HelpText = "Floor of the cosine."), RecipeKey("schedule.min_lr")]
    public string? MinLr { get; init; }

    [Option("warmup-epochs", MetaValue = "N", HelpText = "Epochs of linear warm-up."), RecipeKey("schedule.warmup_epochs")]
    public string? WarmupEpochs { get; init; }

    [Option("warmup-lr", MetaValue = "X", HelpText = "Learning rate at its start."), RecipeKey("schedule.warmup_lr")]
    public string? WarmupLr { get; init; }

    [Option("cooldown-epochs", MetaValue = "N", HelpText = "Epochs at the floor, added at the end."), RecipeKey("schedule.cooldown_epochs")]
    public string? CooldownEpochs { get; init; }

    [Option("model-ema-decay", MetaValue = "X", HelpText = "Decay of the only momentum network."), RecipeKey("ema.decays", AsList = true)]
    public string? ModelEmaDecay { get; init; }

    [Option("num-stages", MetaValue = "K", HelpText = "Stages of progressive learning."), RecipeKey("growth.num_stages")]
    public string? NumStages { get; init; }

    [Option("r-scale", MetaValue = "X", HelpText = "First resolution over the last."), RecipeKey("growth.r_scale")]
    public string? RScale { get; init; }

    [Option("l-scale", MetaValue = "X", HelpText = "First depth over the last."), RecipeKey("growth.l_scale")]
    public string? LScale { get; init; }

    [Option("search-epochs", MetaValue = "N", HelpText = "Supernet epochs of a searched stage."), RecipeKey("growth.search_epochs")]
    public string? SearchEpochs { get; init; }

    [Option("memory-limit-mb", MetaValue = "MIB", HelpText = "Memory a stage may use; 0 is no limit."), RecipeKey("runtime.memory_limit_mb")]
    public string? MemoryLimitMb { get; init; }

    [Option("graphs-dir", MetaValue = "DIR", HelpText = "Folder in which graphs are kept from run to run."), RecipeKey("runtime.graphs_dir")]
    public string? GraphsDir { get; init; }

    [Option("checkpoint-hist", MetaValue = "N", HelpText = "Newest checkpoints to keep."), RecipeKey("checkpoints.keep")]
    public string? CheckpointHist { get; init; }

    [Option("ckpt-every", MetaValue = "STEPS", HelpText = "Updates between checkpoints inside an epoch; 0 is none."), RecipeKey("checkpoints.every_steps")]
    public string? CkptEvery { get; init; }
}
