using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>The layers that architectures are written in: each adds its nodes and declares its parameters, once, with how they are drawn and decayed.</summary>
public sealed class ModelBuilder
{
    private readonly List<Parameter> parameters = [];
    private BlockAddress? block;
    private string scope = "";

    /// <summary>The graph that is built.</summary>
    public GraphBuilder Graph { get; } = new();

    /// <summary>Parameters declared so far.</summary>
    public IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>Opens a scope of names.</summary>
    public IDisposable Scope(string name)
    {
        var (outer, inner) = (scope, Graph.Scope(name));
        scope = Join(name);
        return new OnDispose(() =>
        {
            scope = outer;
            inner.Dispose();
        });
    }

    /// <summary>Opens a block; the parameters inside belong to it.</summary>
    public IDisposable Block(string name, BlockAddress address)
    {
        var inner = Scope(name);
        block = address;
        return new OnDispose(() =>
        {
            block = null;
            inner.Dispose();
        });
    }

    /// <summary>Declares a parameter under the open scopes' name.</summary>
    public Value Parameter(string name, Shape shape, Initializer initializer, bool weightDecay = false)
    {
        parameters.Add(new Parameter(Join(name), shape, initializer, weightDecay, block));
        return Graph.Parameter(name, shape);
    }

    /// <summary>y = x W^T + b on [rows, in]; truncated normal weights (0.02), zero bias, as timm's transformers.</summary>
    public Value Linear(string name, Value x, long outFeatures, bool bias = true)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var inner = Scope(name);
        var weight = Parameter("weight", [outFeatures, x.Shape[-1]], new Initializer.TruncatedNormal(0.02), weightDecay: true);
        return Graph.Gemm(x, weight, bias ? Parameter("bias", [outFeatures], Initializer.Zeros) : null, transB: true);
    }

    /// <summary>Layer normalisation over the last axis, with scale and bias.</summary>
    public Value LayerNorm(string name, Value x, double epsilon)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var inner = Scope(name);
        var weight = Parameter("weight", [x.Shape[-1]], Initializer.Ones);
        return Graph.LayerNormalization(x, weight, Parameter("bias", [x.Shape[-1]], Initializer.Zeros), (float)epsilon);
    }

    /// <summary>
    /// Non-overlapping patches as rows: a convolution whose kernel equals its stride, computed as one matrix product.
    /// Uniform weights and bias within 1/sqrt(fan in), as PyTorch's convolutions.
    /// </summary>
    /// <param name="name">Scope of <c>weight</c> [out, channels, patch, patch] and <c>bias</c>.</param>
    /// <param name="image">[batch, channels, side, side].</param>
    /// <param name="patch">Patch side.</param>
    /// <param name="outFeatures">Width of a token.</param>
    /// <returns>[batch * (side / patch)^2, out], row by row.</returns>
    public Value PatchEmbedding(string name, Value image, long patch, long outFeatures)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (batch, channels, grid) = (image.Shape[0], image.Shape[1], image.Shape[2] / patch);
        var fanIn = channels * patch * patch;
        using var inner = Scope(name);
        var bound = new Initializer.Uniform(1 / Math.Sqrt(fanIn));
        var weight = Parameter("weight", [outFeatures, channels, patch, patch], bound, weightDecay: true);
        var bias = Parameter("bias", [outFeatures], bound);
        var patches = Graph.Transpose(Graph.Reshape(image, [batch, channels, grid, patch, grid, patch]), 0, 2, 4, 1, 3, 5);
        return Graph.Gemm(Graph.Reshape(patches, [batch * grid * grid, fanIn]), Graph.Reshape(weight, [outFeatures, fanIn]), bias, transB: true);
    }

    private string Join(string name) => scope.Length == 0 ? name : $"{scope}.{name}";

    private sealed class OnDispose(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
