namespace AutoProg.Models;

/// <summary>Architectures by the name of their variant.</summary>
public static class ModelCatalog
{
    /// <summary>One entry per architecture.</summary>
    private static readonly Architecture[] Architectures =
    [
        new(DeiT.Variants.Keys, static (name, sizes) => CreateDeiT(DeiT.Variants[name], sizes)),
        new(Volo.Variants.Keys, static (name, sizes) => CreateVolo(Volo.Variants[name], sizes)),
        new(DiT.Variants.Keys, static (name, sizes) => CreateDiT(DiT.Variants[name], sizes)),
        new([VaeMicro.VariantName], static (_, sizes) => CreateVae(sizes)),
    ];

    /// <summary>Every name that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Architectures.SelectMany(static a => a.Names)];

    /// <summary>Creates an architecture; what the sizes leave out is the variant's.</summary>
    /// <exception cref="ArgumentException">The name is unknown, or the sizes do not fit each other or the architecture.</exception>
    public static IElasticModel Create(string name, ModelSizes sizes)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        return Architectures.FirstOrDefault(a => a.Names.Contains(name)) is { } architecture
            ? architecture.Create(name, sizes)
            : throw new ArgumentException($"There is no model '{name}'; known are {string.Join(", ", Names)}.", nameof(name));
    }

    private static DeiT CreateDeiT(DeiTConfig variant, ModelSizes sizes)
    {
        Refuse(variant.Name, sizes.InChannels is not (null or 3), "sees images of 3 channels");
        Refuse(variant.Name, sizes.NumStages > 0, "has no stage table");
        Refuse(variant.Name, sizes.LearnSigma is not null, "learns no variance");
        return new(variant with
        {
            ImgSize = sizes.ImgSize ?? variant.ImgSize,
            PatchSize = sizes.PatchSize ?? variant.PatchSize,
            NumClasses = sizes.NumClasses ?? variant.NumClasses,
            EmbedDim = sizes.EmbedDim ?? variant.EmbedDim,
            Depth = sizes.Depth ?? variant.Depth,
            NumHeads = sizes.NumHeads ?? variant.NumHeads,
            MlpRatio = sizes.MlpRatio ?? variant.MlpRatio,
            BranchScale = sizes.BranchScale,
        });
    }

    private static Volo CreateVolo(VoloConfig variant, ModelSizes sizes)
    {
        Refuse(variant.Name, sizes.InChannels is not (null or 3), "sees images of 3 channels");
        Refuse(variant.Name, sizes.NumStages > 0, "has no stage table");
        Refuse(variant.Name, sizes.LearnSigma is not null, "learns no variance");

        // Outlookers are half as wide as the transformer, with heads of the same width.
        var (width, heads) = (sizes.EmbedDim ?? variant.EmbedDim, sizes.NumHeads ?? variant.NumHeads);
        Refuse(variant.Name, width % 2 != 0 || heads % 2 != 0, $"needs an even embed_dim and num_heads, since its outlookers have half of both, not {width} and {heads}");
        return new(variant with
        {
            ImgSize = sizes.ImgSize ?? variant.ImgSize,
            PatchSize = sizes.PatchSize ?? variant.PatchSize,
            NumClasses = sizes.NumClasses ?? variant.NumClasses,
            OutlookWidth = width / 2,
            OutlookHeads = heads / 2,
            EmbedDim = width,
            NumHeads = heads,
            Depth = sizes.Depth ?? variant.Depth,
            MlpRatio = sizes.MlpRatio ?? variant.MlpRatio,
            BranchScale = sizes.BranchScale,
        });
    }

    private static DiT CreateDiT(DiTConfig variant, ModelSizes sizes)
    {
        Refuse(variant.Name, sizes.BranchScale, "has no branch scales");
        return new(variant with
        {
            InputSize = sizes.ImgSize ?? variant.InputSize,
            PatchSize = sizes.PatchSize ?? variant.PatchSize,
            InChannels = sizes.InChannels ?? variant.InChannels,
            HiddenSize = sizes.EmbedDim ?? variant.HiddenSize,
            Depth = sizes.Depth ?? variant.Depth,
            NumHeads = sizes.NumHeads ?? variant.NumHeads,
            NumClasses = sizes.NumClasses ?? variant.NumClasses,
            MlpRatio = sizes.MlpRatio ?? variant.MlpRatio,
            LearnSigma = sizes.LearnSigma ?? variant.LearnSigma,
            NumStages = sizes.NumStages,
        });
    }

    private static VaeMicro CreateVae(ModelSizes sizes)
    {
        Refuse(VaeMicro.VariantName, sizes is not { PatchSize: null, EmbedDim: null, Depth: null, NumHeads: null, MlpRatio: null, LearnSigma: null, NumStages: 0, BranchScale: false }, "has no blocks, heads, patches or stages");
        Refuse(VaeMicro.VariantName, sizes.InChannels is not (null or 3), "sees images of 3 channels");
        return new(VaeMicroConfig.Default with { ImgSize = sizes.ImgSize ?? VaeMicroConfig.Default.ImgSize, NumClasses = sizes.NumClasses ?? 1 });
    }

    private static void Refuse(string name, bool asked, string fact)
    {
        if (asked)
        {
            throw new ArgumentException($"{name} {fact}; leave that setting away, or choose another model.", nameof(name));
        }
    }

    private sealed record Architecture(IEnumerable<string> Names, Func<string, ModelSizes, IElasticModel> Create);
}

/// <summary>Sizes that replace a variant's; null keeps the variant's.</summary>
public sealed record ModelSizes
{
    /// <summary>Side of what the network sees: pixels, or elements of a latent.</summary>
    public int? ImgSize { get; init; }

    /// <summary>Patch side, in the same unit.</summary>
    public int? PatchSize { get; init; }

    /// <summary>Channels of what the network sees.</summary>
    public int? InChannels { get; init; }

    /// <summary>Number of classes.</summary>
    public int? NumClasses { get; init; }

    /// <summary>Token width.</summary>
    public int? EmbedDim { get; init; }

    /// <summary>Number of blocks.</summary>
    public int? Depth { get; init; }

    /// <summary>Attention heads.</summary>
    public int? NumHeads { get; init; }

    /// <summary>Hidden width of the MLP over the token width.</summary>
    public double? MlpRatio { get; init; }

    /// <summary>Adds a learnable scalar to each residual branch.</summary>
    public bool BranchScale { get; init; }

    /// <summary>Whether a diffusion model predicts the variance, too.</summary>
    public bool? LearnSigma { get; init; }

    /// <summary>Stages that a diffusion model is told apart by; 0 for none.</summary>
    public int NumStages { get; init; }
}
