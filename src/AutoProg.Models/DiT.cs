using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>Sizes of a DiT.</summary>
/// <param name="Name">Variant, e.g. <c>dit_xl_2</c> for DiT-XL/2.</param>
/// <param name="InputSize">Side of what the network sees, a latent or a small image; a multiple of the patch size.</param>
/// <param name="PatchSize">Patch side.</param>
/// <param name="InChannels">Channels: 4 for latents, 3 for images.</param>
/// <param name="HiddenSize">Token width, a multiple of the number of heads and of 4.</param>
/// <param name="Depth">Number of blocks.</param>
/// <param name="NumHeads">Attention heads.</param>
/// <param name="NumClasses">Classes; the label table has one row more, for no label.</param>
/// <param name="MlpRatio">Hidden width of the MLP over the token width.</param>
/// <param name="LearnSigma">Predicts the variance, too, in as many channels again.</param>
/// <param name="NumStages">Stages that the network is told apart by (Unique Stage Identifier); the stage table has one row more, for no stage. 0: no such table.</param>
public sealed record DiTConfig(
    string Name,
    int InputSize,
    int PatchSize,
    int InChannels,
    int HiddenSize,
    int Depth,
    int NumHeads,
    int NumClasses,
    double MlpRatio = 4,
    bool LearnSigma = true,
    int NumStages = 0);

/// <summary>
/// Diffusion transformer (Peebles and Xie, ICCV 2023): predicts the noise in an image or latent from timestep and class, which enter each block through
/// scales, shifts and gates that start at zero (adaLN-Zero). With stages, also from the training stage (AutoProg-Zero's Unique Stage Identifier).
/// Parameter names and layouts are the reference implementation's; its positions, which never learn, are a constant of the graph.
/// </summary>
public sealed class DiT : IElasticModel
{
    /// <summary>Input [batch, channels, r, r]: x_t, the noisy image or latent.</summary>
    public const string NoisyInput = "x";

    /// <summary>Input int64 [batch]: the timestep, 0 to <see cref="Timesteps"/> - 1.</summary>
    public const string TimestepInput = "t";

    /// <summary>Input int64 [batch]: the class, or <see cref="NullLabel"/> where it is dropped.</summary>
    public const string LabelInput = "y";

    /// <summary>Input int64 [batch], of models with stages only: the stage, or <see cref="NullStage"/> where it is dropped.</summary>
    public const string StageInput = "s";

    /// <summary>Name of the output [batch, channels, r, r], twice the channels if the variance is learned: the noise, then the variance's place in its range.</summary>
    public const string PredictionOutput = "output";

    /// <summary>Number of timesteps that the network can be told.</summary>
    public const int Timesteps = 1000;

    private const int FrequencyWidth = 256;
    private const double NormEpsilon = 1e-6;

    private static readonly Initializer SmallNormal = new Initializer.Normal(0.02);

    private readonly Lazy<IReadOnlyList<Parameter>> parameters;

    /// <summary>Creates the architecture.</summary>
    /// <exception cref="ArgumentException">The sizes do not fit each other.</exception>
    public DiT(DiTConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.Depth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.InChannels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.NumClasses);
        ArgumentOutOfRangeException.ThrowIfNegative(config.NumStages);
        if (config.NumHeads <= 0 || config.HiddenSize <= 0 || config.HiddenSize % config.NumHeads != 0)
        {
            throw new ArgumentException($"hidden_size {config.HiddenSize} is not a multiple of num_heads {config.NumHeads}.", nameof(config));
        }

        if (config.HiddenSize % 4 != 0)
        {
            throw new ArgumentException($"hidden_size {config.HiddenSize} is not a multiple of 4, which its positions need.", nameof(config));
        }

        if (config.PatchSize <= 0 || config.InputSize <= 0 || config.InputSize % config.PatchSize != 0)
        {
            throw new ArgumentException($"input_size {config.InputSize} is not a multiple of patch_size {config.PatchSize}.", nameof(config));
        }

        Config = config;
        parameters = new(() => Build(config.InputSize, config.Depth, 1, ModelGraphOptions.Inference).Parameters);
    }

    /// <summary>The published sizes for latents of 256-pixel images of 1000 classes, and one for CPUs and small images.</summary>
    public static IReadOnlyDictionary<string, DiTConfig> Variants { get; } = new DiTConfig[]
    {
        new("dit_s_2", 32, 2, 4, 384, 12, 6, 1000),
        new("dit_s_4", 32, 4, 4, 384, 12, 6, 1000),
        new("dit_s_8", 32, 8, 4, 384, 12, 6, 1000),
        new("dit_b_2", 32, 2, 4, 768, 12, 12, 1000),
        new("dit_b_4", 32, 4, 4, 768, 12, 12, 1000),
        new("dit_b_8", 32, 8, 4, 768, 12, 12, 1000),
        new("dit_l_2", 32, 2, 4, 1024, 24, 16, 1000),
        new("dit_l_4", 32, 4, 4, 1024, 24, 16, 1000),
        new("dit_l_8", 32, 8, 4, 1024, 24, 16, 1000),
        new("dit_xl_2", 32, 2, 4, 1152, 28, 16, 1000),
        new("dit_xl_4", 32, 4, 4, 1152, 28, 16, 1000),
        new("dit_xl_8", 32, 8, 4, 1152, 28, 16, 1000),
        new("dit_micro", 32, 4, 3, 96, 8, 3, 10),
    }.ToDictionary(v => v.Name, StringComparer.Ordinal);

    /// <summary>The sizes.</summary>
    public DiTConfig Config { get; }

    /// <summary>The label of samples without a label: the table's last row.</summary>
    public int NullLabel => Config.NumClasses;

    /// <summary>The stage of samples without a stage: the table's last row.</summary>
    public int NullStage => Config.NumStages;

    /// <inheritdoc />
    public string Name => Config.Name;

    /// <inheritdoc />
    public int ClassCount => Config.NumClasses;

    /// <inheritdoc />
    public int InputChannels => Config.InChannels;

    /// <inheritdoc />
    public int MaxResolution => Config.InputSize;

    /// <inheritdoc />
    public int MaxDepth => Config.Depth;

    /// <inheritdoc />
    public int ResolutionStep => Config.PatchSize;

    /// <inheritdoc />
    public bool HasDropPath => false;

    /// <inheritdoc />
    public string OutputName => PredictionOutput;

    /// <inheritdoc />
    public IReadOnlyList<Parameter> Parameters => parameters.Value;

    /// <inheritdoc />
    public string BlockPrefix(BlockAddress block) => $"{BlockName(block.Index)}.";

    /// <inheritdoc />
    public IReadOnlyList<int> SplitDepth(int depth)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(depth, MaxDepth);
        return [depth];
    }

    /// <inheritdoc />
    public ModelGraph Build(int resolution, int depth, int batch, ModelGraphOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        SplitDepth(depth);
        if (resolution <= 0 || resolution % Config.PatchSize != 0)
        {
            throw new ArgumentException($"Resolution {resolution} is not a positive multiple of patch size {Config.PatchSize}.", nameof(resolution));
        }

        if (options.DropPath)
        {
            throw new ArgumentException($"{Name} has no stochastic depth; build it without.", nameof(options));
        }

        var m = new ModelBuilder(XavierUniform);
        var b = m.Graph;
        var input = b.Input(NoisyInput, ElementType.Float, [batch, Config.InChannels, resolution, resolution]); // [B, C, r, r]
        var x = EmbedPatches(m, input);                                                                         // [B, N, D]
        var condition = b.QuickGelu(EmbedCondition(m, batch), 1);                                               // [B, D]; every use begins with a SiLU
        for (var i = 0; i < depth; i++)
        {
            using var block = m.Block(BlockName(i), new BlockAddress(0, i));
            x = Block(m, x, condition);                                                                         // [B, N, D]
        }

        return new ModelGraph(b, m.Parameters, input, FinalLayer(m, x, condition, resolution));                 // [B, C or 2 C, r, r]
    }

    private static string BlockName(int index) => $"blocks.{index}";

    /// <summary>Uniform within sqrt(6 / (fan in + fan out)) (Glorot and Bengio, 2010).</summary>
    private static Initializer.Uniform XavierUniform(Shape weight) => new(Math.Sqrt(6.0 / (weight[0] + (weight.ElementCount / weight[0]))));

    /// <summary>Patches and their fixed positions.</summary>
    private Value EmbedPatches(ModelBuilder m, Value input)
    {
        var b = m.Graph;
        var (batch, width, patch) = (input.Shape[0], Config.HiddenSize, Config.PatchSize);
        var grid = (int)input.Shape[2] / patch;
        using var scope = m.Scope("x_embedder");
        var weights = XavierUniform([width, Config.InChannels, patch, patch]);
        var map = m.Convolution("proj", input, width, patch, patch, weights, Initializer.Zeros);                  // [B, D, g, g]
        var patches = b.Transpose(b.Reshape(map, [batch, width, grid * grid]), 0, 2, 1);                          // [B, N, D]
        var positions = SinCosPositions.OfGrid(width, Config.InputSize / patch, grid);
        return b.Add(patches, b.Constant(Tensor.FromDoubles(ElementType.Float, [grid * grid, width], positions)));
    }

    /// <summary>Timestep, class and stage, added up.</summary>
    private Value EmbedCondition(ModelBuilder m, int batch)
    {
        var condition = m.Graph.Add(EmbedTimestep(m, batch), EmbedIndex(m, "y_embedder", LabelInput, batch, Config.NumClasses + 1));
        return Config.NumStages == 0 ? condition : m.Graph.Add(condition, EmbedIndex(m, "s_embedder", StageInput, batch, Config.NumStages + 1));
    }

    /// <summary>Sinusoids, then two linear layers with a SiLU between them.</summary>
    private Value EmbedTimestep(ModelBuilder m, int batch)
    {
        var b = m.Graph;
        using var scope = m.Scope("t_embedder");
        var t = b.Input(TimestepInput, ElementType.Int64, [batch]);
        var table = b.Constant(Tensor.FromDoubles(ElementType.Float, [Timesteps, FrequencyWidth], SinCosPositions.OfTimesteps(FrequencyWidth, Timesteps)));
        var hidden = b.QuickGelu(m.Linear("mlp.0", b.Gather(table, t), Config.HiddenSize, weights: SmallNormal), 1);
        return m.Linear("mlp.2", hidden, Config.HiddenSize, weights: SmallNormal);                                // [B, D]
    }

    /// <summary>A row of a table.</summary>
    private Value EmbedIndex(ModelBuilder m, string name, string input, int batch, int rows)
    {
        using var scope = m.Scope(name);
        var index = m.Graph.Input(input, ElementType.Int64, [batch]);
        return m.Graph.Gather(m.Parameter("embedding_table.weight", [rows, Config.HiddenSize], SmallNormal, weightDecay: true), index);
    }

    /// <summary>x + gate attn(modulate(norm(x))), then the same with an MLP.</summary>
    /// <param name="m">The model.</param>
    /// <param name="x">[B, N, D].</param>
    /// <param name="condition">[B, D].</param>
    private Value Block(ModelBuilder m, Value x, Value condition)
    {
        var parts = Modulation(m, condition, 6);
        var (shiftAttn, scaleAttn, gateAttn, shiftMlp, scaleMlp, gateMlp) = (parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]);
        x = Branch(m, "attn", x, shiftAttn, scaleAttn, gateAttn, rows => m.SelfAttention(rows, x.Shape[0], Config.NumHeads));
        return Branch(m, "mlp", x, shiftMlp, scaleMlp, gateMlp, rows => Mlp(m, rows));
    }

    /// <summary>x + gate f(norm(x) (1 + scale) + shift).</summary>
    /// <param name="m">The model.</param>
    /// <param name="name"><c>attn</c> or <c>mlp</c>.</param>
    /// <param name="x">[B, N, D].</param>
    /// <param name="shift">[B, 1, D].</param>
    /// <param name="scale">[B, 1, D].</param>
    /// <param name="gate">[B, 1, D].</param>
    /// <param name="f">From [B N, D] to [B N, D].</param>
    private static Value Branch(ModelBuilder m, string name, Value x, Value shift, Value scale, Value gate, Func<Value, Value> f)
    {
        var b = m.Graph;
        using var scope = m.Scope(name);
        var rows = b.Reshape(Modulate(b, x, shift, scale), [x.Shape[0] * x.Shape[1], x.Shape[2]]);
        return b.Add(x, b.Mul(b.Reshape(f(rows), x.Shape), gate));
    }

    /// <summary>norm(x) (1 + scale) + shift; the normalisation has no parameters of its own.</summary>
    private static Value Modulate(GraphBuilder b, Value x, Value shift, Value scale)
    {
        var ones = b.Constant(Tensor.FromFloats([x.Shape[-1]], [.. Enumerable.Repeat(1f, (int)x.Shape[-1])]));
        var normed = b.LayerNormalization(x, ones, null, (float)NormEpsilon);
        return b.Add(b.Mul(normed, b.Add(scale, b.ScalarLike(scale, 1))), shift);
    }

    /// <summary>Shifts, scales and gates out of the condition, [B, 1, D] each; zero at first, so that a fresh block does nothing.</summary>
    private IReadOnlyList<Value> Modulation(ModelBuilder m, Value condition, int count)
    {
        var all = m.Linear("adaLN_modulation.1", condition, (long)count * Config.HiddenSize, weights: Initializer.Zeros);
        return m.Graph.Split(m.Graph.Reshape(all, [condition.Shape[0], count, Config.HiddenSize]), 1, [.. Enumerable.Repeat(1L, count)]);
    }

    /// <summary>Two linear layers with a GELU, in its tanh form, between them.</summary>
    private Value Mlp(ModelBuilder m, Value x) =>
        m.Linear("fc2", m.Graph.FastGelu(m.Linear("fc1", x, (long)(Config.HiddenSize * Config.MlpRatio))), Config.HiddenSize);

    /// <summary>A modulated linear layer that makes a patch of each token.</summary>
    private Value FinalLayer(ModelBuilder m, Value x, Value condition, long resolution)
    {
        var b = m.Graph;
        var (batch, patch, grid) = (x.Shape[0], (long)Config.PatchSize, resolution / Config.PatchSize);
        var channels = (Config.LearnSigma ? 2L : 1L) * Config.InChannels;
        using var scope = m.Scope("final_layer");
        var parts = Modulation(m, condition, 2);
        var rows = b.Reshape(Modulate(b, x, parts[0], parts[1]), [x.Shape[0] * x.Shape[1], x.Shape[2]]);
        var pixels = m.Linear("linear", rows, patch * patch * channels, weights: Initializer.Zeros);
        var split = b.Reshape(pixels, [batch, grid, grid, patch, patch, channels]);
        return b.Reshape(b.Transpose(split, 0, 5, 1, 3, 2, 4), [batch, channels, resolution, resolution]);
    }
}
