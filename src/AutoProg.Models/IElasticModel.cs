namespace AutoProg.Models;

/// <summary>An architecture whose depth and input resolution may be chosen: the space in which progressive learning grows.</summary>
public interface IElasticModel
{
    /// <summary>The variant's name, e.g. <c>deit_small</c>.</summary>
    string Name { get; }

    /// <summary>Number of classes.</summary>
    int ClassCount { get; }

    /// <summary>Channels of what it sees: 3 for images, 4 for the latents of a Stable Diffusion autoencoder.</summary>
    int InputChannels { get; }

    /// <summary>Resolution of the complete model, in pixels or elements of a latent.</summary>
    int MaxResolution { get; }

    /// <summary>Depth of the complete model in blocks, over all groups.</summary>
    int MaxDepth { get; }

    /// <summary>Smallest depth that it can be built with: a block in every group.</summary>
    int MinDepth => 1;

    /// <summary>A resolution must be a multiple of this (the patch size).</summary>
    int ResolutionStep { get; }

    /// <summary>Whether it can be built with <see cref="ModelGraphOptions.DropPath"/>.</summary>
    bool HasDropPath { get; }

    /// <summary>Whether per-sample gradients are known for all of its operators, so that a graph can give the tangent kernel of a whole batch.</summary>
    bool KeepsSamplesApart => true;

    /// <summary>What its output is called, e.g. <c>logits</c>.</summary>
    string OutputName { get; }

    /// <summary>Every parameter of the complete model, running statistics among them.</summary>
    IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Elements of the parameters that can learn: the size that papers tell.</summary>
    long CountParameters() => Parameters.Where(static p => !p.IsBuffer).Sum(static p => p.Shape.ElementCount);

    /// <summary>What the names of a block's parameters begin with, e.g. <c>blocks.3.</c>.</summary>
    string BlockPrefix(BlockAddress block);

    /// <summary>Blocks of each group when the depth is <paramref name="depth"/>; the sum is the depth. Architectures with one stack give one number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The depth is not in <see cref="MinDepth"/>..<see cref="MaxDepth"/>.</exception>
    IReadOnlyList<int> SplitDepth(int depth);

    /// <summary>
    /// The forward graph. Its blocks are numbered 0..l-1 in each group whatever blocks of a supernet they stand for: the runtime maps names onto memory.
    /// </summary>
    /// <param name="resolution">Input side, a multiple of <see cref="ResolutionStep"/> up to any size.</param>
    /// <param name="depth">Number of blocks, <see cref="MinDepth"/>..<see cref="MaxDepth"/>.</param>
    /// <param name="batch">Batch size; shapes are static.</param>
    /// <param name="options">What the graph is for.</param>
    /// <exception cref="ArgumentException">Resolution, depth or batch is outside its range.</exception>
    ModelGraph Build(int resolution, int depth, int batch, ModelGraphOptions options);
}

/// <summary>What a forward graph is for.</summary>
/// <param name="DropPath">Adds the input <c>drop_path</c> [depth, 2, batch]: the factor on every residual branch, keep mask over keep probability.</param>
/// <param name="Training">
/// Batch normalisation by the batch's own statistics, which the graph then tells (<see cref="ModelGraph.Statistics"/>). Otherwise by the running ones: evaluation and export, and
/// tangent kernels, since under a batch's statistics no sample has a gradient of its own. (The authors measure kernels in training mode; their models have no batch norm.)
/// </param>
public sealed record ModelGraphOptions(bool DropPath = false, bool Training = false)
{
    /// <summary>Evaluation: no stochastic depth, running statistics.</summary>
    public static ModelGraphOptions Inference { get; } = new();
}
