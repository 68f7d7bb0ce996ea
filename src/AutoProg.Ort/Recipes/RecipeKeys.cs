using AutoProg.Graphs.Import;
using AutoProg.Ort.Diffusion;
using static AutoProg.Ort.Recipes.RecipeFormats;

namespace AutoProg.Ort.Recipes;

/// <summary>
/// Every key of a recipe, in the order in which recipes are written. Reading, checking, writing and the reference come from this table:
/// a new setting is a property in its section (Recipe.cs, DataRecipe.cs, ModelRecipe.cs) and a line here.
/// </summary>
internal static class RecipeKeys
{
    /// <summary>All keys by section; the first section is the root.</summary>
    public static IReadOnlyList<RecipeSection> Sections { get; } =
    [
        new RecipeSection<Recipe>("", r => r, (_, r) => r)
        {
            { "name", Text("a name of up to 64 letters, digits, '.', '_' and '-'", @"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"), r => r.Name, (r, v) => r with { Name = v } },
            { "seed", AnyWhole, r => r.Seed, (r, v) => r with { Seed = v } },
        },
        new RecipeSection<ModelRecipe>("model", r => r.Model, (r, s) => r with { Model = s })
        {
            { "name", Text("the name of a model, e.g. deit_small"), m => m.Name, (m, v) => m with { Name = v }, Required, "model.onnx" },
            { "onnx", OrNull(Text("the path of an ONNX file")), m => m.Onnx, (m, v) => m with { Onnx = v } },
            { "trainable", ListOf(Text("a pattern of names"), "a list of patterns of names, e.g. ['*'] or ['fc.*', 'layer4.*']"), m => m.Trainable, (m, v) => m with { Trainable = v } },
            { "freeze", ListOf(Text("a pattern of names"), "a list of patterns of names, e.g. ['conv1.*'], or []"), m => m.Freeze, (m, v) => m with { Freeze = v } },
            { "batch_norm", OneOf(("file", BatchNormMode.File), ("train", BatchNormMode.Train), ("eval", BatchNormMode.Eval)), m => m.BatchNorm, (m, v) => m with { BatchNorm = v } },
            { "unbiased_variance", Flag, m => m.UnbiasedVariance, (m, v) => m with { UnbiasedVariance = v } },
            { "img_size", OrNull(Whole(1, 8192)), m => m.ImgSize, (m, v) => m with { ImgSize = v } },
            { "patch_size", OrNull(Whole(1, 1024)), m => m.PatchSize, (m, v) => m with { PatchSize = v } },
            { "num_classes", OrNull(Whole(2, 1_000_000)), m => m.NumClasses, (m, v) => m with { NumClasses = v } },
            { "embed_dim", OrNull(Whole(1, 65_536)), m => m.EmbedDim, (m, v) => m with { EmbedDim = v } },
            { "depth", OrNull(Whole(1, 1000)), m => m.Depth, (m, v) => m with { Depth = v } },
            { "num_heads", OrNull(Whole(1, 1024)), m => m.NumHeads, (m, v) => m with { NumHeads = v } },
            { "mlp_ratio", OrNull(Above(0)), m => m.MlpRatio, (m, v) => m with { MlpRatio = v } },
            { "in_channels", OrNull(Whole(1, 1024)), m => m.InChannels, (m, v) => m with { InChannels = v } },
            { "learn_sigma", OrNull(Flag), m => m.LearnSigma, (m, v) => m with { LearnSigma = v } },
            { "drop_path", ShareBelowOne, m => m.DropPath, (m, v) => m with { DropPath = v } },
            { "initial_checkpoint", OrNull(Text("the path of a safetensors, .pt or recipe file")), m => m.InitialCheckpoint, (m, v) => m with { InitialCheckpoint = v } },
            { "initial_checkpoint_key", OrNull(Text("the name of a part of a checkpoint")), m => m.InitialCheckpointKey, (m, v) => m with { InitialCheckpointKey = v } },
        },
        new RecipeSection<DataRecipe>("data", r => r.Data, (r, s) => r with { Data = s })
        {
            {
                "dataset",
                OneOf(
                    ("builtin", DatasetKind.Builtin), ("builtin-plain", DatasetKind.BuiltinPlain), ("image-folder", DatasetKind.ImageFolder), ("cifar10", DatasetKind.Cifar10), ("cifar100", DatasetKind.Cifar100), ("idx", DatasetKind.Idx)),
                d => d.Dataset, (d, v) => d with { Dataset = v }, Required
            },
            { "data_dir", OrNull(Text("the path of a folder")), d => d.DataDir, (d, v) => d with { DataDir = v } },
            { "train_split", Text("the name of a folder"), d => d.TrainSplit, (d, v) => d with { TrainSplit = v } },
            { "val_split", OrNull(Text("the name of a folder")), d => d.ValSplit, (d, v) => d with { ValSplit = v } },
            { "train_samples", Whole(0), d => d.TrainSamples, (d, v) => d with { TrainSamples = v } },
            { "val_samples", Whole(0), d => d.ValSamples, (d, v) => d with { ValSamples = v } },
            { "classes", ListOf(Text("the name of a class"), "a list of class names, e.g. [cat, dog], or []"), d => d.Classes, (d, v) => d with { Classes = v } },
            { "workers", Whole(1, 256), d => d.Workers, (d, v) => d with { Workers = v } },
            { "prefetch", Whole(1, 1024), d => d.Prefetch, (d, v) => d with { Prefetch = v } },
            { "mean", ListOf(AnyNumber, "a list of 3 numbers, e.g. [0.485, 0.456, 0.406]", 3), d => d.Mean, (d, v) => d with { Mean = v } },
            { "std", ListOf(Above(0), "a list of 3 numbers above 0, e.g. [0.229, 0.224, 0.225]", 3), d => d.Std, (d, v) => d with { Std = v } },
            { "token_labels", OrNull(Text("the path of a safetensors file")), d => d.TokenLabels, (d, v) => d with { TokenLabels = v } },
            { "max_corrupt_fraction", Share, d => d.MaxCorruptFraction, (d, v) => d with { MaxCorruptFraction = v } },
        },
        new RecipeSection<AugmentationRecipe>("augmentation", r => r.Augmentation, (r, s) => r with { Augmentation = s })
        {
            { "scale", ListOf(PositiveShare, "a list of 2 numbers above 0, at most 1, e.g. [0.08, 1.0]", 2), a => a.Scale, (a, v) => a with { Scale = v } },
            { "ratio", ListOf(Above(0), "a list of 2 numbers above 0, e.g. [0.75, 1.3333]", 2), a => a.Ratio, (a, v) => a with { Ratio = v } },
            { "hflip", Share, a => a.Hflip, (a, v) => a with { Hflip = v } },
            { "color_jitter", AtLeast(0), a => a.ColorJitter, (a, v) => a with { ColorJitter = v } },
            { "aa", OrNull(Text("a RandAugment policy, e.g. rand-m9-mstd0.5-inc1", @"^rand(-[a-z]+[0-9.]*)*$")), a => a.Aa, (a, v) => a with { Aa = v } },
            { "reprob", Share, a => a.Reprob, (a, v) => a with { Reprob = v } },
            { "recount", Whole(1, 100), a => a.Recount, (a, v) => a with { Recount = v } },
            { "mixup", AtLeast(0), a => a.Mixup, (a, v) => a with { Mixup = v } },
            { "cutmix", AtLeast(0), a => a.Cutmix, (a, v) => a with { Cutmix = v } },
            { "mixup_prob", Share, a => a.MixupProb, (a, v) => a with { MixupProb = v } },
            { "mixup_switch_prob", Share, a => a.MixupSwitchProb, (a, v) => a with { MixupSwitchProb = v } },
            { "mix_token", AtLeast(0), a => a.MixToken, (a, v) => a with { MixToken = v } },
            { "smoothing", ShareBelowOne, a => a.Smoothing, (a, v) => a with { Smoothing = v } },
            { "repeated_aug", Whole(1, 100), a => a.RepeatedAug, (a, v) => a with { RepeatedAug = v } },
            { "crop_pct", PositiveShare, a => a.CropPct, (a, v) => a with { CropPct = v } },
        },
        new RecipeSection<TrainingRecipe>("training", r => r.Training, (r, s) => r with { Training = s })
        {
            { "epochs", Whole(1, 1_000_000), t => t.Epochs, (t, v) => t with { Epochs = v } },
            { "batch_size", Whole(1, 1_000_000), t => t.BatchSize, (t, v) => t with { BatchSize = v } },
            { "micro_batch_size", Whole(0, 1_000_000), t => t.MicroBatchSize, (t, v) => t with { MicroBatchSize = v } },
            { "max_train_steps", Whole(0), t => t.MaxTrainSteps, (t, v) => t with { MaxTrainSteps = v } },
            { "clip_grad", OrNull(Above(0)), t => t.ClipGrad, (t, v) => t with { ClipGrad = v } },
            { "max_rollbacks", Whole(0, 1000), t => t.MaxRollbacks, (t, v) => t with { MaxRollbacks = v } },
            { "eval_batch_size", Whole(1, 1_000_000), t => t.EvalBatchSize, (t, v) => t with { EvalBatchSize = v } },
            { "eval_interval", Whole(1), t => t.EvalInterval, (t, v) => t with { EvalInterval = v } },
            { "log_interval", Whole(1), t => t.LogInterval, (t, v) => t with { LogInterval = v } },
            { "tensorboard", Flag, t => t.Tensorboard, (t, v) => t with { Tensorboard = v } },
        },
        new RecipeSection<OptimizerRecipe>("optimizer", r => r.Optimizer, (r, s) => r with { Optimizer = s })
        {
            { "name", OneOf(("adamw", OptimizerKind.Adamw), ("sgd", OptimizerKind.Sgd), ("momentum", OptimizerKind.Momentum)), o => o.Name, (o, v) => o with { Name = v } },
            { "lr", Above(0), o => o.Lr, (o, v) => o with { Lr = v } },
            { "weight_decay", AtLeast(0), o => o.WeightDecay, (o, v) => o with { WeightDecay = v } },
            { "betas", ListOf(ShareBelowOne, "a list of 2 numbers from 0 to below 1, e.g. [0.9, 0.999]", 2), o => o.Betas, (o, v) => o with { Betas = v } },
            { "eps", AtLeast(1e-37), o => o.Eps, (o, v) => o with { Eps = v } },
            { "momentum", ShareBelowOne, o => o.Momentum, (o, v) => o with { Momentum = v } },
        },
        new RecipeSection<LearningRateRecipe>("schedule", r => r.Schedule, (r, s) => r with { Schedule = s })
        {
            { "name", OneOf(("cosine", LearningRateKind.Cosine), ("constant", LearningRateKind.Constant)), s => s.Name, (s, v) => s with { Name = v } },
            { "per", OneOf(("epoch", LearningRateUnit.Epoch), ("step", LearningRateUnit.Step)), s => s.Per, (s, v) => s with { Per = v } },
            { "min_lr", AtLeast(0), s => s.MinLr, (s, v) => s with { MinLr = v } },
            { "warmup_epochs", Whole(0, 1_000_000), s => s.WarmupEpochs, (s, v) => s with { WarmupEpochs = v } },
            { "warmup_lr", AtLeast(0), s => s.WarmupLr, (s, v) => s with { WarmupLr = v } },
            { "cooldown_epochs", Whole(0, 1_000_000), s => s.CooldownEpochs, (s, v) => s with { CooldownEpochs = v } },
        },
        new RecipeSection<EmaRecipe>("ema", r => r.Ema, (r, s) => r with { Ema = s })
        {
            { "decays", ListOf(OpenShare, "a list of numbers between 0 and 1, both excluded, e.g. [0.998, 0.9996]"), e => e.Decays, (e, v) => e with { Decays = v } },
            { "growth_decay", OrNull(OpenShare), e => e.GrowthDecay, (e, v) => e with { GrowthDecay = v } },
        },
        new RecipeSection<DiffusionRecipe>("diffusion", r => r.Diffusion, (r, s) => r with { Diffusion = s })
        {
            { "beta_schedule", OneOf(("linear", BetaSchedule.Linear), ("cosine", BetaSchedule.Cosine)), d => d.BetaSchedule, (d, v) => d with { BetaSchedule = v } },
            { "loss", OrNull(OneOf(("mse", DiffusionLossKind.Mse), ("vb", DiffusionLossKind.Vb), ("hybrid", DiffusionLossKind.Hybrid))), d => d.Loss, (d, v) => d with { Loss = v } },
            { "class_dropout", Share, d => d.ClassDropout, (d, v) => d with { ClassDropout = v } },
        },
        new RecipeSection<LatentRecipe>("latents", r => r.Latents, (r, s) => r with { Latents = s })
        {
            { "vae", OrNull(Text("the path of a folder or of a recipe file")), l => l.Vae, (l, v) => l with { Vae = v } },
            { "scale_factor", Above(0), l => l.ScaleFactor, (l, v) => l with { ScaleFactor = v } },
            { "cache_dir", OrNull(Text("the path of a folder")), l => l.CacheDir, (l, v) => l with { CacheDir = v } },
            { "divergence_weight", AtLeast(0), l => l.DivergenceWeight, (l, v) => l with { DivergenceWeight = v } },
        },
        new RecipeSection<SamplingRecipe>("sampling", r => r.Sampling, (r, s) => r with { Sampling = s })
        {
            { "sampler", OneOf(("ddpm", SamplerKind.Ddpm), ("ddim", SamplerKind.Ddim)), s => s.Sampler, (s, v) => s with { Sampler = v } },
            { "steps", Whole(1, 100_000), s => s.Steps, (s, v) => s with { Steps = v } },
            { "eta", Share, s => s.Eta, (s, v) => s with { Eta = v } },
            { "cfg", AtLeast(1), s => s.Cfg, (s, v) => s with { Cfg = v } },
            { "clip_denoised", Flag, s => s.ClipDenoised, (s, v) => s with { ClipDenoised = v } },
            { "frechet_samples", Whole(0), s => s.FrechetSamples, (s, v) => s with { FrechetSamples = v } },
            { "features", OrNull(Text("the path of an ONNX or recipe file")), s => s.Features, (s, v) => s with { Features = v } },
        },
        new RecipeSection<GrowthRecipe>("growth", r => r.Growth, (r, s) => r with { Growth = s })
        {
            { "policy", OneOf([.. PolicyNames.All]), g => g.Policy, (g, v) => g with { Policy = v } },
            { "num_stages", Whole(1, 1000), g => g.NumStages, (g, v) => g with { NumStages = v } },
            { "r_scale", PositiveShare, g => g.RScale, (g, v) => g with { RScale = v } },
            { "l_scale", PositiveShare, g => g.LScale, (g, v) => g with { LScale = v } },
            { "resolution_divisor", Whole(0, 8192), g => g.ResolutionDivisor, (g, v) => g with { ResolutionDivisor = v } },
            { "resolutions", ListOf(Whole(1, 8192), "a list of pixels, e.g. [128, 160, 192, 224], or []"), g => g.Resolutions, (g, v) => g with { Resolutions = v } },
            { "depths", ListOf(Whole(1, 1000), "a list of block counts, e.g. [6, 8, 10, 12], or []"), g => g.Depths, (g, v) => g with { Depths = v } },
            {
                "unfreeze",
                OneOf(("none", UnfreezeKind.None), ("blocks", UnfreezeKind.Blocks), ("released", UnfreezeKind.Released), ("names", UnfreezeKind.Names), ("depth", UnfreezeKind.Depth)),
                g => g.Unfreeze, (g, v) => g with { Unfreeze = v }
            },
            {
                "unfreeze_names",
                ListOf(Text("patterns of parameter names"), "a list of patterns per level, e.g. ['head.*', 'head.*,blocks.3.*'], or []"),
                g => g.UnfreezeNames, (g, v) => g with { UnfreezeNames = v }
            },
            { "stage_identifier", Flag, g => g.StageIdentifier, (g, v) => g with { StageIdentifier = v } },
            {
                "operator",
                OneOf(
                    ("rand-init", GrowthOperatorKind.RandInit), ("stacking", GrowthOperatorKind.Stacking), ("interpolation", GrowthOperatorKind.Interpolation),
                    ("identity", GrowthOperatorKind.Identity), ("mogrow", GrowthOperatorKind.MoGrow)),
                g => g.Operator, (g, v) => g with { Operator = v }
            },
            { "optimizer_state", OneOf(("reset", OptimizerStateKind.Reset), ("carry", OptimizerStateKind.Carry)), g => g.OptimizerState, (g, v) => g with { OptimizerState = v } },
            { "recalibrate_batches", Whole(0, 100_000), g => g.RecalibrateBatches, (g, v) => g with { RecalibrateBatches = v } },
            { "search_epochs", Whole(1, 1_000_000), g => g.SearchEpochs, (g, v) => g with { SearchEpochs = v } },
            { "search_samples", Whole(1), g => g.SearchSamples, (g, v) => g with { SearchSamples = v } },
            { "search_evaluations", Whole(1, 1000), g => g.SearchEvaluations, (g, v) => g with { SearchEvaluations = v } },
            { "search_time", OneOf(("measured", SearchTimeKind.Measured), ("flops", SearchTimeKind.Flops)), g => g.SearchTime, (g, v) => g with { SearchTime = v } },
            { "search_timing_steps", Whole(1, 10_000), g => g.SearchTimingSteps, (g, v) => g with { SearchTimingSteps = v } },
            { "proxy_batches", Whole(2, 1000), g => g.ProxyBatches, (g, v) => g with { ProxyBatches = v } },
            { "proxy_batch_size", Whole(2, 1024), g => g.ProxyBatchSize, (g, v) => g with { ProxyBatchSize = v } },
            { "max_supernet_ratio", AtLeast(1), g => g.MaxSupernetRatio, (g, v) => g with { MaxSupernetRatio = v } },
            { "recycle_weights", Flag, g => g.RecycleWeights, (g, v) => g with { RecycleWeights = v } },
            { "aa_scale", Share, g => g.AaScale, (g, v) => g with { AaScale = v } },
            { "dp_scale", Share, g => g.DpScale, (g, v) => g with { DpScale = v } },
            { "re_scale", Share, g => g.ReScale, (g, v) => g with { ReScale = v } },
            { "resize_scale", ListOf(Above(0), "a list of 2 numbers above 0, e.g. [1.0, 1.0]", 2), g => g.ResizeScale, (g, v) => g with { ResizeScale = v } },
        },
        new RecipeSection<RuntimeRecipe>("runtime", r => r.Runtime, (r, s) => r with { Runtime = s })
        {
            { "device", Text("cpu or cuda:N, e.g. cuda:0", @"^(cpu|cuda:[0-9]{1,3})$"), r => r.Device, (r, v) => r with { Device = v } },
            { "threads", Whole(0, 1024), r => r.Threads, (r, v) => r with { Threads = v } },
            { "memory_limit_mb", Whole(0), r => r.MemoryLimitMb, (r, v) => r with { MemoryLimitMb = v } },
            { "graphs_dir", OrNull(Text("the path of a folder")), r => r.GraphsDir, (r, v) => r with { GraphsDir = v } },
        },
        new RecipeSection<CheckpointRecipe>("checkpoints", r => r.Checkpoints, (r, s) => r with { Checkpoints = s })
        {
            { "every_epochs", Whole(1, 1_000_000), c => c.EveryEpochs, (c, v) => c with { EveryEpochs = v } },
            { "every_steps", Whole(0), c => c.EverySteps, (c, v) => c with { EverySteps = v } },
            { "keep", Whole(1, 10_000), c => c.Keep, (c, v) => c with { Keep = v } },
        },
    ];

    /// <summary>All keys in order.</summary>
    public static IReadOnlyList<RecipeKey> All { get; } = [.. Sections.SelectMany(static section => section.Keys)];

    private const bool Required = true;
}
