using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>Sizes of a DeiT.</summary>
/// <param name="Name">Variant, in timm's spelling without patch and resolution.</param>
/// <param name="ImgSize">Input side in pixels, a multiple of the patch size.</param>
/// <param name="PatchSize">Patch side in pixels.</param>
/// <param name="NumClasses">Width of the head.</param>
/// <param name="EmbedDim">Token width, a multiple of the number of heads.</param>
/// <param name="Depth">Number of blocks.</param>
/// <param name="NumHeads">Attention heads.</param>
/// <param name="MlpRatio">Hidden width of the MLP over the token width.</param>
/// <param name="BranchScale">Adds a learnable scalar to each residual branch (ReZero), for growth by Identity.</param>
public sealed record DeiTConfig(
    string Name,
    int ImgSize,
    int PatchSize,
    int NumClasses,
    int EmbedDim,
    int Depth,
    int NumHeads,
    double MlpRatio = 4,
    bool BranchScale = false);

/// <summary>
/// DeiT without distillation (Touvron et al., ICML 2021): a pre-norm vision transformer with class token and learned positions.
/// Parameter names and layouts are timm's.
/// </summary>
public sealed class DeiT : IElasticModel
{
    private const int Channels = 3;
    private const double NormEpsilon = 1e-6;

    private readonly DeiTConfig config;
    private readonly Lazy<IReadOnlyList<Parameter>> parameters;

    /// <summary>Creates the architecture.</summary>
    /// <exception cref="ArgumentException">The sizes do not fit each other.</exception>
    public DeiT(DeiTConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.Depth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.NumClasses);
        if (config.EmbedDim % config.NumHeads != 0)
        {
            throw new ArgumentException($"embed_dim {config.EmbedDim} is not a multiple of num_heads {config.NumHeads}.", nameof(config));
        }

        if (config.ImgSize % config.PatchSize != 0)
        {
            throw new ArgumentException($"img_size {config.ImgSize} is not a multiple of patch_size {config.PatchSize}.", nameof(config));
        }

        this.config = config;
        parameters = new(() => Build(config.ImgSize, config.Depth, 1, ModelGraphOptions.Inference).Parameters);
    }

    /// <summary>The published sizes, and one for CPUs, for 1000 classes.</summary>
    public static IReadOnlyDictionary<string, DeiTConfig> Variants { get; } = new DeiTConfig[]
    {
        new("deit_tiny", 224, 16, 1000, 192, 12, 3),
        new("deit_small", 224, 16, 1000, 384, 12, 6),
        new("deit_base", 224, 16, 1000, 768, 12, 12),
        new("deit_micro", 32, 4, 10, 96, 6, 3, MlpRatio: 2),
    }.ToDictionary(v => v.Name, StringComparer.Ordinal);

    /// <inheritdoc />
    public string Name => config.Name;

    /// <inheritdoc />
    public int ClassCount => config.NumClasses;

    /// <inheritdoc />
    public int MaxResolution => config.ImgSize;

    /// <inheritdoc />
    public int MaxDepth => config.Depth;

    /// <inheritdoc />
    public int ResolutionStep => config.PatchSize;

    /// <inheritdoc />
    public int InputChannels => Channels;

    /// <inheritdoc />
    public bool HasDropPath => true;

    /// <inheritdoc />
    public string OutputName => ModelGraph.LogitsOutput;

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
        if (resolution <= 0 || resolution % config.PatchSize != 0)
        {
            throw new ArgumentException($"Resolution {resolution} is not a positive multiple of patch size {config.PatchSize}.", nameof(resolution));
        }

        var m = new ModelBuilder();
        var b = m.Graph;
        var image = b.Input(ModelGraph.ImageInput, ElementType.Float, [batch, Channels, resolution, resolution]); // [B, 3, r, r]
        var dropPath = options.DropPath ? ResidualBranches.DropPathFactors(b, depth, batch) : null;
        var branches = new ResidualBranches(m, NormEpsilon, config.BranchScale);

        var x = Embed(m, image);                                                                              // [B, N, D]
        for (var i = 0; i < depth; i++)
        {
            using var block = m.Block(BlockName(i), new BlockAddress(0, i));
            x = branches.Attention(x, rows => m.SelfAttention(rows, batch, config.NumHeads), dropPath?[2 * i]); // [B, N, D]
            x = branches.Mlp(x, config.MlpRatio, dropPath?[(2 * i) + 1]);                                       // [B, N, D]
        }

        // The final norm is per token, so only the class token needs it.
        var classToken = b.Reshape(b.Slice(x, 1, 0, 1), [batch, config.EmbedDim]); // [B, D]
        var features = m.LayerNorm("norm", classToken, NormEpsilon);               // [B, D]
        return new ModelGraph(b, m.Parameters, image, m.Linear("head", features, config.NumClasses), features);
    }

    private static string BlockName(int index) => $"blocks.{index}";

    /// <summary>Patches, class token, positions.</summary>
    private Value Embed(ModelBuilder m, Value image)
    {
        var b = m.Graph;
        var (width, batch) = (config.EmbedDim, image.Shape[0]);
        var (fullGrid, grid) = (config.ImgSize / config.PatchSize, (int)image.Shape[2] / config.PatchSize);
        var classToken = m.Parameter("cls_token", [1, 1, width], new Initializer.TruncatedNormal(0.02));
        var positions = m.Parameter("pos_embed", [1, 1 + (fullGrid * fullGrid), width], new Initializer.TruncatedNormal(0.02));
        Value patches;
        using (m.Scope("patch_embed"))
        {
            var map = m.Convolution("proj", image, width, config.PatchSize, config.PatchSize);   // [B, D, g, g]
            patches = b.Transpose(b.Reshape(map, [batch, width, grid * grid]), 0, 2, 1);         // [B, n, D]
        }

        if (grid != fullGrid)
        {
            var table = b.Reshape(b.Slice(positions, 1, 1, 1 + (fullGrid * fullGrid)), [fullGrid * fullGrid, width]);
            var resampled = b.Reshape(PositionEmbedding.Resample(b, table, fullGrid, grid), [1, grid * grid, width]);
            positions = b.Concat(1, b.Slice(positions, 1, 0, 1), resampled);
        }

        var tokens = b.Concat(1, b.Expand(classToken, [batch, 1, width]), patches);
        return b.Add(tokens, positions);
    }
}
