namespace AutoProg.Models;

/// <summary>Architectures by the name of their variant.</summary>
public static class ModelCatalog
{
    /// <summary>Every name that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. DeiT.Variants.Keys];

    /// <summary>Creates an architecture; what the sizes leave out is the variant's.</summary>
    /// <exception cref="ArgumentException">The name is unknown, or the sizes do not fit each other.</exception>
    public static IElasticModel Create(string name, ModelSizes sizes)
    {
        ArgumentNullException.ThrowIfNull(sizes);
        if (!DeiT.Variants.TryGetValue(name, out var variant))
        {
            throw new ArgumentException($"There is no model '{name}'; known are {string.Join(", ", Names)}.", nameof(name));
        }

        return new DeiT(variant with
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
}

/// <summary>Sizes that replace a variant's; null keeps the variant's.</summary>
public sealed record ModelSizes
{
    /// <summary>Input side in pixels.</summary>
    public int? ImgSize { get; init; }

    /// <summary>Patch side in pixels.</summary>
    public int? PatchSize { get; init; }

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
}
