using AutoProg.Ort.Diffusion;

namespace AutoProg.Ort.Recipes;

/// <summary>
/// Everything that defines a run: model, data, how to train and how to grow. Immutable; variants are made by <c>with</c>.
/// Every default of the engine stands here, in DataRecipe.cs or in ModelRecipe.cs, and nowhere else. In YAML the keys are these names in snake_case.
/// </summary>
public sealed record Recipe
{
    /// <summary>Name of the experiment, for logs and reports.</summary>
    public string Name { get; init; } = "run";

    /// <summary>Root of all randomness: weights, order, augmentation, drop path, candidate sampling.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>The complete model, i.e. the network of the last stage.</summary>
    public required ModelRecipe Model { get; init; }

    /// <summary>Where images come from.</summary>
    public required DataRecipe Data { get; init; }

    /// <summary>Training augmentation and evaluation crop.</summary>
    public AugmentationRecipe Augmentation { get; init; } = new();

    /// <summary>Length, batch size, evaluation and logging.</summary>
    public TrainingRecipe Training { get; init; } = new();

    /// <summary>Update rule.</summary>
    public OptimizerRecipe Optimizer { get; init; } = new();

    /// <summary>Learning rate over the whole run; it does not restart at stage boundaries.</summary>
    public LearningRateRecipe Schedule { get; init; } = new();

    /// <summary>Momentum networks (eq. 3).</summary>
    public EmaRecipe Ema { get; init; } = new();

    /// <summary>What diffusion models learn; classifiers ignore it.</summary>
    public DiffusionRecipe Diffusion { get; init; } = new();

    /// <summary>Where a diffusion model works on latents: the autoencoder.</summary>
    public LatentRecipe Latents { get; init; } = new();

    /// <summary>How a diffusion model's images are sampled and judged.</summary>
    public SamplingRecipe Sampling { get; init; } = new();

    /// <summary>Progressive learning: policy, growth space, growth operator, search.</summary>
    public GrowthRecipe Growth { get; init; } = new();

    /// <summary>Device, threads and memory.</summary>
    public RuntimeRecipe Runtime { get; init; } = new();

    /// <summary>How often to save, and how much to keep.</summary>
    public CheckpointRecipe Checkpoints { get; init; } = new();

    /// <summary>Where its keys were set, for messages.</summary>
    internal RecipeOrigins Origins { get; init; } = RecipeOrigins.InCode;

    /// <summary>Refuses a setting, naming the place where it was made.</summary>
    internal RecipeException Refuse(string key, string? found, string message) => new([new RecipeProblem(Origins.PlaceOf(key), key, found, message)]);
}

/// <summary>Length, batch size, evaluation and logging.</summary>
public sealed record TrainingRecipe
{
    /// <summary>Epochs of the run, before cool-down.</summary>
    public int Epochs { get; init; } = 100;

    /// <summary>Images per update (global batch). Gradient accumulation never changes it.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>Images per forward and backward pass; divides the batch size; 0 takes the largest that fits into memory.</summary>
    public int MicroBatchSize { get; init; }

    /// <summary>Ends the run after that many updates; 0 is no limit.</summary>
    public int MaxTrainSteps { get; init; }

    /// <summary>Clips the gradient to this L2 norm over all learnable parameters; null is no clipping.</summary>
    public double? ClipGrad { get; init; }

    /// <summary>How often a run whose loss or gradient stops being finite goes back to its last checkpoint and leaves that batch out; 0 ends it.</summary>
    public int MaxRollbacks { get; init; }

    /// <summary>Images per evaluation pass.</summary>
    public int EvalBatchSize { get; init; } = 100;

    /// <summary>Epochs between evaluations; the last epoch is always evaluated.</summary>
    public int EvalInterval { get; init; } = 1;

    /// <summary>Updates between log lines.</summary>
    public int LogInterval { get; init; } = 50;

    /// <summary>Whether the run tells TensorBoard what it tells its log: losses, learning rate, accuracy, stages; in the folder <c>tensorboard</c>.</summary>
    public bool Tensorboard { get; init; } = true;
}

/// <summary>What diffusion models learn.</summary>
public sealed record DiffusionRecipe
{
    /// <summary>Curve of the noise.</summary>
    public BetaSchedule BetaSchedule { get; init; } = BetaSchedule.Linear;

    /// <summary>Loss; null takes hybrid where the model learns the variance, mse elsewhere.</summary>
    public DiffusionLossKind? Loss { get; init; }

    /// <summary>Probability that a label is dropped, and that a stage is, independently: what classifier-free guidance needs.</summary>
    public double ClassDropout { get; init; } = 0.1;
}

/// <summary>The autoencoder of a diffusion model that works on latents. Resolutions of model and growth are then those of the latents.</summary>
public sealed record LatentRecipe
{
    /// <summary>Folder of <c>encoder.onnx</c> and <c>decoder.onnx</c>; null works on pixels. A recipe (.yaml) of an autoencoder is trained first.</summary>
    public string? Vae { get; init; }

    /// <summary>Factor on latents that brings them to about unit size; 0.18215 is Stable Diffusion's.</summary>
    public double ScaleFactor { get; init; } = 0.18215;

    /// <summary>Folder in which latents are kept from run to run; null is <c>latents</c> beside the autoencoder.</summary>
    public string? CacheDir { get; init; }

    /// <summary>Where an autoencoder is trained: weight of the divergence per element of the latent over the squared error per pixel.</summary>
    public double DivergenceWeight { get; init; } = 1e-4;
}

/// <summary>How images are sampled, and how they are judged.</summary>
public sealed record SamplingRecipe
{
    /// <summary>Sampler.</summary>
    public SamplerKind Sampler { get; init; } = SamplerKind.Ddim;

    /// <summary>Steps of the sampler, evenly spread over the timesteps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>Noise of a DDIM step, 0 (none) to 1 (as much as ancestral sampling).</summary>
    public double Eta { get; init; }

    /// <summary>Scale of classifier-free guidance; 1 is none.</summary>
    public double Cfg { get; init; } = 1.5;

    /// <summary>Whether predicted images are kept within the range of pixels at every step: for models of pixels; latents have no such range.</summary>
    public bool ClipDenoised { get; init; }

    /// <summary>Images sampled at the end of a run for the Frechet distance to the evaluation images; 0 samples none.</summary>
    public int FrechetSamples { get; init; }

    /// <summary>The ONNX model whose features the Frechet distance compares: Inception v3 for FID proper, or a classifier trained here. A recipe (.yaml) is trained first.</summary>
    public string? Features { get; init; }
}

/// <summary>Update rules, under timm's names.</summary>
public enum OptimizerKind
{
    /// <summary>AdamW with decoupled weight decay.</summary>
    Adamw,

    /// <summary>SGD with Nesterov momentum, as timm's <c>sgd</c>.</summary>
    Sgd,

    /// <summary>SGD with plain momentum, as timm's <c>momentum</c>.</summary>
    Momentum,
}

/// <summary>Update rule. Norms, biases, tokens and positional embeddings are never decayed.</summary>
public sealed record OptimizerRecipe
{
    /// <summary>Which rule.</summary>
    public OptimizerKind Name { get; init; } = OptimizerKind.Adamw;

    /// <summary>Peak learning rate.</summary>
    public double Lr { get; init; } = 1e-3;

    /// <summary>Weight decay.</summary>
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>AdamW's decay rates of the first and second moment.</summary>
    public IReadOnlyList<double> Betas { get; init; } = [0.9, 0.999];

    /// <summary>AdamW's term against division by zero.</summary>
    public double Eps { get; init; } = 1e-8;

    /// <summary>SGD's momentum.</summary>
    public double Momentum { get; init; } = 0.9;
}

/// <summary>Curves of the learning rate.</summary>
public enum LearningRateKind
{
    /// <summary>Half a cosine from the peak to the minimum.</summary>
    Cosine,

    /// <summary>The peak throughout, after warm-up.</summary>
    Constant,
}

/// <summary>When the learning rate moves on.</summary>
public enum LearningRateUnit
{
    /// <summary>Once per epoch, as timm does.</summary>
    Epoch,

    /// <summary>At every update, with the fraction of the epoch.</summary>
    Step,
}

/// <summary>Learning rate, with timm's semantics: warm-up does not shift the cosine.</summary>
public sealed record LearningRateRecipe
{
    /// <summary>Which curve.</summary>
    public LearningRateKind Name { get; init; } = LearningRateKind.Cosine;

    /// <summary>When it moves on.</summary>
    public LearningRateUnit Per { get; init; } = LearningRateUnit.Epoch;

    /// <summary>Floor of the cosine.</summary>
    public double MinLr { get; init; } = 1e-5;

    /// <summary>Epochs of linear warm-up.</summary>
    public int WarmupEpochs { get; init; } = 5;

    /// <summary>Learning rate at the start of warm-up.</summary>
    public double WarmupLr { get; init; } = 1e-6;

    /// <summary>Epochs at the minimum that are added after the cosine.</summary>
    public int CooldownEpochs { get; init; }
}

/// <summary>Momentum networks, updated after every step (eq. 3).</summary>
public sealed record EmaRecipe
{
    /// <summary>One network per decay, each in (0, 1); empty keeps none.</summary>
    public IReadOnlyList<double> Decays { get; init; } = [0.998];

    /// <summary>The decay whose network MoGrow copies from; null takes the last of the list. (The authors' code uses the slowest, 0.9996; the paper says 0.998.)</summary>
    public double? GrowthDecay { get; init; }
}

/// <summary>How a run chooses its sub-networks.</summary>
public enum GrowthPolicyKind
{
    /// <summary>The complete model throughout.</summary>
    Original,

    /// <summary>The manual uniform linear schedule.</summary>
    Prog,

    /// <summary>One-shot search over an elastic supernet at the start of every stage (sec. 3.2).</summary>
    AutoprogOne,

    /// <summary>Zero-shot search by training-free proxies at the start of every stage (sec. 4.2).</summary>
    AutoprogZero,
}

/// <summary>Which parameters learn at each unfreeze level (sec. 4.1.1).</summary>
public enum UnfreezeKind
{
    /// <summary>Everything always learns; depth may grow.</summary>
    None,

    /// <summary>Four levels: block i learns from level (i mod 4) + 1 on, everything outside the blocks always.</summary>
    Blocks,

    /// <summary>As the authors' code does it: names are matched without the closing dot, which unfreezes more from 11 blocks on.</summary>
    Released,

    /// <summary>Levels by patterns of parameter names.</summary>
    Names,

    /// <summary>Four levels by depth in the graph: at level u the last u/4 of the layers learn, the head first.</summary>
    Depth,
}

/// <summary>Growth operators (zeta).</summary>
public enum GrowthOperatorKind
{
    /// <summary>New blocks are freshly initialised behind the old ones.</summary>
    RandInit,

    /// <summary>The stack of old blocks is repeated on top.</summary>
    Stacking,

    /// <summary>Each old block is repeated in place.</summary>
    Interpolation,

    /// <summary>Interpolation with a zero-initialised scalar on the branches of new blocks: function preserving.</summary>
    Identity,

    /// <summary>Interpolation from the momentum network (eq. 4).</summary>
    MoGrow,
}

/// <summary>What happens to the optimizer's moments when the network changes.</summary>
public enum OptimizerStateKind
{
    /// <summary>Moments start from zero, as in the authors' code.</summary>
    Reset,

    /// <summary>Moments grow like the weights.</summary>
    Carry,
}

/// <summary>What stands for a candidate's runtime in its score.</summary>
public enum SearchTimeKind
{
    /// <summary>Forward and backward are timed; the decision belongs to this machine.</summary>
    Measured,

    /// <summary>Computed from the operations in matrix products: the same on every machine and in every run.</summary>
    Flops,
}

/// <summary>Progressive learning.</summary>
public sealed record GrowthRecipe
{
    /// <summary>How sub-networks are chosen.</summary>
    public GrowthPolicyKind Policy { get; init; } = GrowthPolicyKind.AutoprogOne;

    /// <summary>Number of equispaced stages K, at least 1.</summary>
    public int NumStages { get; init; } = 4;

    /// <summary>Initial scale of the resolution, above 0 to 1.</summary>
    public double RScale { get; init; } = 0.5;

    /// <summary>Initial scale of the depth, or of the unfreeze level, above 0 to 1.</summary>
    public double LScale { get; init; } = 0.5;

    /// <summary>Resolutions are multiples of this; a multiple of the patch size. 0 takes 32, or the patch size where the model is smaller than 128 pixels.</summary>
    public int ResolutionDivisor { get; init; }

    /// <summary>Resolution of each stage, ascending to the model's; empty computes them from <see cref="RScale"/>.</summary>
    public IReadOnlyList<int> Resolutions { get; init; } = [];

    /// <summary>Depth of each stage, ascending to the model's; empty computes them from <see cref="LScale"/>.</summary>
    public IReadOnlyList<int> Depths { get; init; } = [];

    /// <summary>Progressive unfreezing: depth stays, and the learnable part grows instead.</summary>
    public UnfreezeKind Unfreeze { get; init; } = UnfreezeKind.None;

    /// <summary>For <c>unfreeze: names</c>, per level from the lowest: patterns of parameter names with <c>*</c> and <c>?</c>, separated by commas.</summary>
    public IReadOnlyList<string> UnfreezeNames { get; init; } = [];

    /// <summary>Unique Stage Identifier (sec. 4.1.2): a learnable embedding of the stage joins the condition of a diffusion model.</summary>
    public bool StageIdentifier { get; init; }

    /// <summary>How a smaller network's weights become a larger one's.</summary>
    public GrowthOperatorKind Operator { get; init; } = GrowthOperatorKind.MoGrow;

    /// <summary>Moments at a change of the network.</summary>
    public OptimizerStateKind OptimizerState { get; init; } = OptimizerStateKind.Reset;

    /// <summary>
    /// Training batches, at most an epoch's, from which running statistics of batch normalisation are computed afresh when the network has grown or was taken out of a supernet,
    /// for the online and every momentum network; 0 leaves them to follow by themselves.
    /// </summary>
    public int RecalibrateBatches { get; init; }

    /// <summary>Epochs of supernet training at the start of a searched stage; they are part of the schedule.</summary>
    public int SearchEpochs { get; init; } = 2;

    /// <summary>Training images on which candidates are compared.</summary>
    public int SearchSamples { get; init; } = 50_000;

    /// <summary>Evaluations of every candidate, spread over the last search epoch and averaged.</summary>
    public int SearchEvaluations { get; init; } = 5;

    /// <summary>What stands for a candidate's runtime.</summary>
    public SearchTimeKind SearchTime { get; init; } = SearchTimeKind.Measured;

    /// <summary>Timed steps per candidate, after warm-up; the median counts.</summary>
    public int SearchTimingSteps { get; init; } = 5;

    /// <summary>Zero-shot search: batches over which the condition number of the tangent kernel is averaged, and as many for ZiCo; at least 2.</summary>
    public int ProxyBatches { get; init; } = 2;

    /// <summary>Zero-shot search: images per batch, at least 2.</summary>
    public int ProxyBatchSize { get; init; } = 16;

    /// <summary>Largest supernet depth over the current depth; the authors stop at 2.</summary>
    public double MaxSupernetRatio { get; init; } = 2.0;

    /// <summary>The winner keeps its weights from the supernet. Otherwise the weights from before the search return and its epochs are paid again (Tab. XI).</summary>
    public bool RecycleWeights { get; init; } = true;

    /// <summary>RandAugment magnitude of the first stage over the last stage's; 1 keeps it constant.</summary>
    public double AaScale { get; init; } = 1.0;

    /// <summary>Drop-path rate of the first stage over the last stage's; 1 keeps it constant.</summary>
    public double DpScale { get; init; } = 1.0;

    /// <summary>Random-erasing probability of the first stage over the last stage's; 1 keeps it constant.</summary>
    public double ReScale { get; init; } = 1.0;

    /// <summary>Factors on the lower and upper bound of the crop area in the first stage; [1, 1] keeps them constant.</summary>
    public IReadOnlyList<double> ResizeScale { get; init; } = [1.0, 1.0];
}

/// <summary>Device, threads and memory.</summary>
public sealed record RuntimeRecipe
{
    /// <summary><c>cpu</c> or <c>cuda:N</c>. The device asked for is used, or the run fails.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads of ONNX Runtime and of the optimizer; 0 takes the number of processors.</summary>
    public int Threads { get; init; }

    /// <summary>Memory that a stage may use, in MiB; a stage that is predicted to need more gets a smaller micro-batch. 0 is no limit.</summary>
    public int MemoryLimitMb { get; init; }

    /// <summary>Folder in which the graphs of sub-networks are kept from run to run; null builds them anew in every run.</summary>
    public string? GraphsDir { get; init; }
}

/// <summary>How often to save, and how much to keep.</summary>
public sealed record CheckpointRecipe
{
    /// <summary>Epochs between checkpoints, at least 1.</summary>
    public int EveryEpochs { get; init; } = 1;

    /// <summary>Updates between checkpoints inside an epoch; 0 is none.</summary>
    public int EverySteps { get; init; }

    /// <summary>Newest checkpoints to keep, at least 1; the best one is kept besides.</summary>
    public int Keep { get; init; } = 2;
}
