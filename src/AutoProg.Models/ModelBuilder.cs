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

    /// <summary>A convolution of square kernel with bias and without padding; uniform weights and bias within 1/sqrt(fan in), as PyTorch's.</summary>
    /// <param name="name">Scope of <c>weight</c> [out, channels, kernel, kernel] and <c>bias</c>.</param>
    /// <param name="image">[batch, channels, height, width].</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Distance of windows; equal to the kernel for patches, which are then one matrix product.</param>
    public Value Convolution(string name, Value image, long outChannels, long kernel, long stride)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var inner = Scope(name);
        var bound = new Initializer.Uniform(1 / Math.Sqrt(image.Shape[1] * kernel * kernel));
        var weight = Parameter("weight", [outChannels, image.Shape[1], kernel, kernel], bound, weightDecay: true);
        return Graph.Conv(image, weight, Parameter("bias", [outChannels], bound), strides: [stride, stride]);
    }

    private string Join(string name) => scope.Length == 0 ? name : $"{scope}.{name}";

    private sealed class OnDispose(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
