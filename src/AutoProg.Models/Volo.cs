using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>Sizes of a VOLO.</summary>
/// <param name="Name">Variant, e.g. <c>volo_d1</c>.</param>
/// <param name="ImgSize">Input side in pixels, a multiple of twice the patch size.</param>
/// <param name="PatchSize">Pixels per outlooker token: the stem and the projection behind it divide the side by this.</param>
/// <param name="StemStride">Stride of the stem's first convolution; divides the patch size.</param>
/// <param name="StemWidth">Channels of the stem.</param>
/// <param name="NumClasses">Width of the heads.</param>
/// <param name="OutlookWidth">Token width of the outlookers.</param>
/// <param name="OutlookHeads">Their heads; divides their width.</param>
/// <param name="EmbedDim">Token width of the transformer.</param>
/// <param name="NumHeads">Its heads; divides its width.</param>
/// <param name="Depth">Outlookers and transformer blocks together, at least 2.</param>
/// <param name="MlpRatio">Hidden width of every MLP over the token width.</param>
/// <param name="BranchScale">Adds a learnable scalar to each residual branch of the two block groups (ReZero), for growth by Identity.</param>
public sealed record VoloConfig(
    string Name,
    int ImgSize,
    int PatchSize,
    int StemStride,
    int StemWidth,
    int NumClasses,
    int OutlookWidth,
    int OutlookHeads,
    int EmbedDim,
    int NumHeads,
    int Depth,
    double MlpRatio = 3,
    bool BranchScale = false);

/// <summary>A VOLO's forward graph; one for training has the token logits and the mask that mixes tokens.</summary>
/// <param name="Builder">The graph, still open: a loss and gradients may be added.</param>
/// <param name="Parameters">The parameters it declares, in graph order.</param>
/// <param name="Input">[batch, 3, r, r].</param>
/// <param name="Output">[batch, classes]: of the class head in training; in evaluation the maximum over the tokens' logits counts half beside it.</param>
/// <param name="Features">[batch, width]: what the class head is applied to.</param>
/// <param name="TokenLogits">[batch, g g, classes], each about a place of the batch's own images; null in evaluation.</param>
/// <param name="MixMask">The input <c>mix_mask</c> [g, g] of MixToken, one for the whole batch: 1 where a token comes from the image at the mirrored place of the batch, else 0; null in evaluation.</param>
public sealed record VoloGraph(
    GraphBuilder Builder, IReadOnlyList<Parameter> Parameters, Value Input, Value Output, Value Features, Value? TokenLogits, Value? MixMask)
    : ModelGraph(Builder, Parameters, Input, Output, Features);

/// <summary>
/// VOLO (Yuan et al., TPAMI 2022): a convolutional stem, outlookers on fine tokens, a transformer on tokens twice as coarse, and two class-attention blocks that
/// read them. A second head classifies every token. Parameter names and layouts are those of AutoProg's VOLO, which keeps the transformer in one stack.
/// </summary>
public sealed class Volo : IElasticModel
{
    /// <summary>The block group of the outlookers.</summary>
    public const int Outlookers = 0;

    /// <summary>The block group of the transformer.</summary>
    public const int Transformer = 1;

    private const int Channels = 3;
    private const int Downsampling = 2;
    private const int ClassBlocks = 2;
    private const double TokenShare = 0.5;
    private const double NormEpsilon = 1e-5;

    private static readonly Initializer Tokens = new Initializer.TruncatedNormal(0.02);

    private readonly Lazy<IReadOnlyList<Parameter>> parameters;

    /// <summary>Creates the architecture.</summary>
    /// <exception cref="ArgumentException">The sizes do not fit each other.</exception>
    public Volo(VoloConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentOutOfRangeException.ThrowIfLessThan(config.Depth, MinDepth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.NumClasses);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(config.StemWidth);
        Require(IsMultiple(config.OutlookWidth, config.OutlookHeads), $"outlook width {config.OutlookWidth} is not a multiple of its {config.OutlookHeads} heads");
        Require(IsMultiple(config.EmbedDim, config.NumHeads), $"embed_dim {config.EmbedDim} is not a multiple of num_heads {config.NumHeads}");
        Require(IsMultiple(config.PatchSize, config.StemStride), $"patch_size {config.PatchSize} is not a multiple of the stem's stride {config.StemStride}");
        Require(
            IsMultiple(config.ImgSize, Downsampling * config.PatchSize), $"img_size {config.ImgSize} is not a multiple of {Downsampling * config.PatchSize}, twice the patch size");
        Config = config;
        parameters = new(() => Build(config.ImgSize, config.Depth, 1, ModelGraphOptions.Inference).Parameters);

        static bool IsMultiple(int of, int by) => of > 0 && by > 0 && of % by == 0;

        static void Require(bool holds, string otherwise)
        {
            if (!holds)
            {
                throw new ArgumentException($"{otherwise}.", nameof(config));
            }
        }
    }

    /// <summary>The published sizes for 1000 classes, and one for CPUs and small images.</summary>
    public static IReadOnlyDictionary<string, VoloConfig> Variants { get; } = new VoloConfig[]
    {
        new("volo_d1", 224, 8, 2, 64, 1000, 192, 6, 384, 12, 18),
        new("volo_d2", 224, 8, 2, 64, 1000, 256, 8, 512, 16, 24),
        new("volo_d3", 224, 8, 2, 64, 1000, 256, 8, 512, 16, 36),
        new("volo_micro", 32, 4, 2, 16, 10, 48, 2, 96, 4, 9, MlpRatio: 2),
    }.ToDictionary(v => v.Name, StringComparer.Ordinal);

    /// <summary>The sizes.</summary>
    public VoloConfig Config { get; }

    /// <inheritdoc />
    public string Name => Config.Name;

    /// <inheritdoc />
    public int ClassCount => Config.NumClasses;

    /// <inheritdoc />
    public int InputChannels => Channels;

    /// <inheritdoc />
    public int MaxResolution => Config.ImgSize;

    /// <inheritdoc />
    public int MaxDepth => Config.Depth;

    /// <inheritdoc />
    public int MinDepth => 2;

    /// <inheritdoc />
    public int ResolutionStep => Downsampling * Config.PatchSize;

    /// <inheritdoc />
    public bool HasDropPath => true;

    /// <inheritdoc />
    public string OutputName => ModelGraph.LogitsOutput;

    /// <inheritdoc />
    public IReadOnlyList<Parameter> Parameters => parameters.Value;

    /// <inheritdoc />
    public string BlockPrefix(BlockAddress block) => $"{BlockName(block)}.";

    /// <summary>Side of the grid of tokens that are classified.</summary>
    /// <param name="resolution">Pixels per side.</param>
    public int TokenGrid(int resolution) => resolution / ResolutionStep;

    /// <summary>Outlookers of a depth by the authors' rule, make_divisible(0.23 l, 2); it gives two even of two blocks, where <see cref="SplitOf"/> takes one.</summary>
    internal static int OutlookersOf(int depth) => Divisible.Nearest(0.23 * depth, 2);

    /// <summary>
    /// Outlookers and transformer blocks of a depth; of two blocks one each, so there is no VOLO of a single block. Not monotone: 9 blocks are [2, 7], 10 are [4, 6].
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The depth is below 2.</exception>
    public static IReadOnlyList<int> SplitOf(int depth)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 2);
        var outlookers = depth == 2 ? 1 : OutlookersOf(depth);
        return [outlookers, depth - outlookers];
    }

    /// <inheritdoc />
    public IReadOnlyList<int> SplitDepth(int depth)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(depth, MaxDepth);
        return SplitOf(depth);
    }

    /// <inheritdoc />
    public ModelGraph Build(int resolution, int depth, int batch, ModelGraphOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        var split = SplitDepth(depth);
        if (resolution <= 0 || resolution % ResolutionStep != 0)
        {
            throw new ArgumentException($"Resolution {resolution} is not a positive multiple of {ResolutionStep}, twice patch size {Config.PatchSize}.", nameof(resolution));
        }

        var m = new ModelBuilder(training: options.Training);
        var b = m.Graph;
        var grid = TokenGrid(resolution);
        var image = b.Input(ModelGraph.ImageInput, ElementType.Float, [batch, Channels, resolution, resolution]); // [B, 3, r, r]
        var mask = options.Training ? b.Input(MixToken.MaskInput, ElementType.Float, [grid, grid]) : null;
        var dropPath = options.DropPath ? ResidualBranches.DropPathFactors(b, depth, batch, firstBlock: split[Outlookers]) : null;
        var branches = new ResidualBranches(m, NormEpsilon, Config.BranchScale);

        var x = Stem(m, image);                                              // [B, 2g, 2g, D0]
        x = mask is null ? x : MixToken.Exchange(b, x, mask);
        for (var i = 0; i < split[Outlookers]; i++)
        {
            x = Outlooker(m, branches, x, new(Outlookers, i));               // [B, 2g, 2g, D0]
        }

        x = Positioned(m, Downsample(m, x));                                 // [B, g g, D]
        for (var i = 0; i < split[Transformer]; i++)
        {
            var block = new BlockAddress(Transformer, i);
            using var scope = m.Block(BlockName(block), block);
            x = branches.Attention(x, rows => m.SelfAttention(rows, batch, Config.NumHeads, qkvBias: false), dropPath?[2 * i]);
            x = branches.Mlp(x, Config.MlpRatio, dropPath?[(2 * i) + 1]);    // [B, g g, D]
        }

        return Heads(m, image, ReadByClassToken(m, x), mask);
    }

    private static string BlockName(BlockAddress block) => block.Group == Outlookers ? $"network.0.{block.Index}" : $"network.2.{block.Index}";

    /// <summary>Three convolutions, each with batch norm, then one that makes tokens of patches.</summary>
    private Value Stem(ModelBuilder m, Value image)
    {
        var b = m.Graph;
        using var scope = m.Scope("patch_embed");
        var x = image;
        for (var i = 0; i < 3; i++)
        {
            var (kernel, stride) = i == 0 ? (7, Config.StemStride) : (3, 1);
            x = m.Convolution($"conv.{3 * i}", x, Config.StemWidth, kernel, stride, padding: kernel / 2, hasBias: false);
            x = b.Relu(m.BatchNorm($"conv.{(3 * i) + 1}", x));                               // [B, S, r / stride, r / stride]
        }

        var patch = Config.PatchSize / Config.StemStride;
        return b.Transpose(m.Convolution("proj", x, Config.OutlookWidth, patch, patch), 0, 2, 3, 1);
    }

    /// <summary>Outlook attention, then an MLP; outlookers never drop a branch.</summary>
    private Value Outlooker(ModelBuilder m, ResidualBranches branches, Value x, BlockAddress address)
    {
        using var block = m.Block(BlockName(address), address);
        x = branches.Attention(x, rows => OutlookAttention(m, rows, x.Shape));
        return branches.Mlp(x, Config.MlpRatio);
    }

    /// <summary>
    /// Every window of 3 x 3 tokens is mixed by weights that are read off its mean token alone: softmax(A(mean) / sqrt d), 9 x 9 per head, times the window's values;
    /// where windows lie on one another their results add up.
    /// </summary>
    /// <param name="m">The model.</param>
    /// <param name="rows">[B H W, D0].</param>
    /// <param name="shape">[B, H, W, D0].</param>
    private Value OutlookAttention(ModelBuilder m, Value rows, Shape shape)
    {
        const int Taps = OutlookWindows.Taps;
        var b = m.Graph;
        var (batch, width, heads) = (shape[0], shape[3], (long)Config.OutlookHeads);
        var (h, w) = (shape[1] / OutlookWindows.Stride, shape[2] / OutlookWindows.Stride);
        var windows = OutlookWindows.Cut(b, b.Reshape(m.Linear("v", rows, width, bias: false), shape), heads);            // [B, h w, heads, 9, d]

        // The mean of 2 x 2 tokens, along one axis after the other.
        var pairs = b.ReduceMean(b.Reshape(rows, [batch * h, OutlookWindows.Stride, shape[2] * width]), [1]);
        var means = b.ReduceMean(b.Reshape(pairs, [batch * h * w, OutlookWindows.Stride, width]), [1]);                   // [B h w, D0]
        var scores = b.Scale(m.Linear("attn", means, heads * Taps * Taps), Math.Pow(width / heads, -0.5));
        var attention = b.Softmax(b.Reshape(scores, [batch, h * w, heads, Taps, Taps]));

        var mixed = OutlookWindows.AddUp(b, b.FusedMatMul(attention, windows), h, w);                                     // [B, H, W, D0]
        return m.Linear("proj", b.Reshape(mixed, rows.Shape), width);
    }

    /// <summary>2 x 2 tokens become one, of the transformer's width.</summary>
    private Value Downsample(ModelBuilder m, Value x)
    {
        using var scope = m.Scope("network.1");
        return m.Graph.Transpose(m.Convolution("proj", m.Graph.Transpose(x, 0, 3, 1, 2), Config.EmbedDim, Downsampling, Downsampling), 0, 2, 3, 1);
    }

    /// <summary>Learnable positions, resampled to the grid.</summary>
    private Value Positioned(ModelBuilder m, Value x)
    {
        var b = m.Graph;
        var (grid, fullGrid, width) = ((int)x.Shape[1], TokenGrid(Config.ImgSize), Config.EmbedDim);
        var table = m.Parameter("pos_embed", [1, fullGrid, fullGrid, width], Tokens);
        var positions = PositionEmbedding.Resample(b, b.Reshape(table, [fullGrid * fullGrid, width]), fullGrid, grid);
        return b.Add(b.Reshape(x, [x.Shape[0], grid * grid, width]), positions);
    }

    /// <summary>A class token reads the others in two blocks of class attention; they stay as they are.</summary>
    /// <returns>[B, 1 + g g, D], the class token first.</returns>
    private Value ReadByClassToken(ModelBuilder m, Value tokens)
    {
        var b = m.Graph;
        var (batch, width) = (tokens.Shape[0], tokens.Shape[2]);
        var read = b.Expand(m.Parameter("cls_token", [1, 1, width], Tokens), [batch, 1, width]);
        for (var i = 0; i < ClassBlocks; i++)
        {
            using var scope = m.Scope($"post_network.{i}");
            var all = b.Concat(1, read, tokens);
            var normed = m.LayerNorm("norm1", b.Reshape(all, [batch * all.Shape[1], width]), NormEpsilon);
            using (m.Scope("attn"))
            {
                read = b.Add(read, b.Reshape(ClassAttention(m, normed, batch), read.Shape));
            }

            read = new ResidualBranches(m, NormEpsilon, isScaled: false).Mlp(read, Config.MlpRatio);
        }

        return b.Concat(1, read, tokens);
    }

    /// <summary>The query is the class token's alone, keys and values are everybody's.</summary>
    /// <param name="m">The model.</param>
    /// <param name="x">[B (1 + N), D].</param>
    /// <param name="batch">B.</param>
    private Value ClassAttention(ModelBuilder m, Value x, long batch)
    {
        var b = m.Graph;
        var (tokens, width, heads) = (x.Shape[0] / batch, x.Shape[1], (long)Config.NumHeads);
        var kv = b.Reshape(m.Linear("kv", x, 2 * width, bias: false), [batch, tokens, 2 * heads, width / heads]);
        var parts = b.Split(b.Transpose(kv, 0, 2, 1, 3), 1, heads, heads);
        var (k, v) = (parts[0], parts[1]);                                                                       // [B, heads, 1 + N, d]
        var own = b.Reshape(b.Slice(b.Reshape(x, [batch, tokens, width]), 1, 0, 1), [batch, width]);
        var q = b.Reshape(m.Linear("q", own, width, bias: false), [batch, heads, 1, width / heads]);
        var attention = b.Softmax(b.FusedMatMul(q, k, transB: true, alpha: (float)Math.Pow(width / heads, -0.5))); // [B, heads, 1, 1 + N]
        return m.Linear("proj", b.Reshape(b.FusedMatMul(attention, v), [batch, width]), width);
    }

    /// <summary>A head for the class token, and one for the others.</summary>
    private VoloGraph Heads(ModelBuilder m, Value image, Value x, Value? mask)
    {
        var b = m.Graph;
        var (batch, count, width, classes, grid) = (x.Shape[0], x.Shape[1], x.Shape[2], (long)Config.NumClasses, TokenGrid((int)image.Shape[2]));
        var normed = b.Reshape(m.LayerNorm("norm", b.Reshape(x, [batch * count, width]), NormEpsilon), x.Shape);
        var features = b.Reshape(b.Slice(normed, 1, 0, 1), [batch, width]);
        var ofClass = m.Linear("head", features, classes);                                                       // [B, K]
        var ofTokens = m.Linear("aux_head", b.Reshape(b.Slice(normed, 1, 1, count), [batch * (count - 1), width]), classes);
        if (mask is null)
        {
            var strongest = b.ReduceMax(b.Reshape(ofTokens, [batch, count - 1, classes]), [1]);
            return new VoloGraph(b, m.Parameters, image, b.Add(ofClass, b.Scale(strongest, TokenShare)), features, TokenLogits: null, MixMask: null);
        }

        var own = MixToken.Exchange(b, b.Reshape(ofTokens, [batch, grid, grid, classes]), mask);
        return new VoloGraph(b, m.Parameters, image, ofClass, features, b.Reshape(own, [batch, count - 1, classes]), mask) { Statistics = m.Statistics };
    }
}
