using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>A tensor of an architecture that training changes, as the complete model declares it: it learns, or it is a running statistic (a buffer).</summary>
/// <param name="Name">The reference implementation's name, e.g. <c>blocks.3.attn.qkv.weight</c>.</param>
/// <param name="Shape">The reference implementation's layout: Linear [out, in], convolution [out, in, kh, kw].</param>
/// <param name="Initializer">How a fresh tensor is drawn.</param>
/// <param name="WeightDecay">False for norms, biases, tokens and positional embeddings.</param>
/// <param name="Block">The block that it belongs to; null outside the blocks.</param>
/// <param name="Running">How a running statistic follows the batches'; null for what learns.</param>
public sealed record Parameter(string Name, Shape Shape, Initializer Initializer, bool WeightDecay, BlockAddress? Block = null, RunningStatistic? Running = null)
{
    /// <summary>State that does not learn: it has no gradient and no moments, is not decayed, and does not count as a parameter in reports.</summary>
    public bool IsBuffer => Running is not null;
}

/// <summary>A statistic over batches: after every step, <c>running = (1 - momentum) running + momentum batch</c>.</summary>
/// <param name="Momentum">Share of the newest batch, above 0, up to 1; PyTorch's is 0.1. ONNX's attribute of that name is its complement.</param>
public sealed record RunningStatistic(double Momentum);

/// <summary>A block of an architecture.</summary>
/// <param name="Group">Index of the block group; an architecture with one stack of blocks has group 0 only.</param>
/// <param name="Index">Place in the group's stack, from the input on.</param>
public readonly record struct BlockAddress(int Group, int Index);

/// <summary>How a fresh tensor is drawn.</summary>
public abstract record Initializer
{
    /// <summary>All elements 0.</summary>
    public static Initializer Zeros { get; } = new Constant(0);

    /// <summary>All elements 1.</summary>
    public static Initializer Ones { get; } = new Constant(1);

    /// <summary>All elements the same.</summary>
    public sealed record Constant(double Value) : Initializer;

    /// <summary>Normal with mean 0, cut off at two standard deviations of 1 (timm's <c>trunc_normal_</c> with bounds -2 and 2 in absolute value).</summary>
    public sealed record TruncatedNormal(double StandardDeviation) : Initializer;

    /// <summary>Normal with mean 0.</summary>
    public sealed record Normal(double StandardDeviation) : Initializer;

    /// <summary>Uniform in [-Bound, Bound).</summary>
    public sealed record Uniform(double Bound) : Initializer;

    /// <summary>Not drawn: elements that are there already, e.g. in a model file.</summary>
    public sealed record Stored(Func<Tensor> Read) : Initializer;
}
