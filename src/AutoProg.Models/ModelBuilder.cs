using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>The layers that architectures are written in: each adds its nodes and declares its parameters, once, with how they are drawn and decayed.</summary>
/// <param name="linearWeights">How weights of linear layers, [out, in], are drawn; truncated normal (0.02) if left out, as in timm's transformers.</param>
/// <param name="training">Whether batch normalisation takes the batch's statistics: <see cref="ModelGraphOptions.Training"/>.</param>
public sealed class ModelBuilder(Func<Shape, Initializer>? linearWeights = null, bool training = false)
{
    private readonly Func<Shape, Initializer> linearWeights = linearWeights ?? (static _ => new Initializer.TruncatedNormal(0.02));

    private readonly List<Parameter> parameters = [];
    private readonly Dictionary<string, Value> statistics = new(StringComparer.Ordinal);
    private BlockAddress? block;
    private string scope = "";

    /// <summary>The graph that is built.</summary>
    public GraphBuilder Graph { get; } = new();

    /// <summary>Parameters declared so far.</summary>
    public IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>What the batch says about buffers, for <see cref="ModelGraph.Statistics"/>.</summary>
    public IReadOnlyDictionary<string, Value> Statistics => statistics;

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

    /// <summary>y = x W^T + b on [rows, in]; zero bias, weights as the model draws them unless told otherwise.</summary>
    public Value Linear(string name, Value x, long outFeatures, bool bias = true, Initializer? weights = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var inner = Scope(name);
        Shape shape = [outFeatures, x.Shape[-1]];
        var weight = Parameter("weight", shape, weights ?? linearWeights(shape), weightDecay: true);
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
    /// Batch normalisation over everything but the channels: <c>weight</c> and <c>bias</c>, and the buffers <c>running_mean</c> and <c>running_var</c>, as in PyTorch.
    /// </summary>
    /// <param name="name">Scope of the four.</param>
    /// <param name="x">[batch, channels, ...].</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="momentum">Share of the newest batch in the running statistics, above 0, up to 1.</param>
    /// <param name="unbiased">Whether the running variance follows m / (m - 1) times the batch's, m elements per channel, as in PyTorch; ONNX takes the batch's as it is.</param>
    /// <exception cref="ArgumentException">In training mode, a channel has one element: its variance says nothing.</exception>
    public Value BatchNorm(string name, Value x, double epsilon = 1e-5, double momentum = 0.1, bool unbiased = true)
    {
        ArgumentNullException.ThrowIfNull(x);
        using var inner = Scope(name);
        Shape channels = [x.Shape[1]];
        var (weight, bias) = (Parameter("weight", channels, Initializer.Ones), Parameter("bias", channels, Initializer.Zeros));
        var (mean, variance) = (Buffer("running_mean", Initializer.Zeros), Buffer("running_var", Initializer.Ones));
        if (!training)
        {
            return Graph.BatchNormalization(x, weight, bias, Graph.Parameter("running_mean", channels), Graph.Parameter("running_var", channels), (float)epsilon);
        }

        var count = x.Shape.ElementCount / x.Shape[1];
        if (count == 1)
        {
            throw new ArgumentException($"'{scope}' would normalise one element per channel in training mode, shape {x.Shape}; use a larger batch.", nameof(x));
        }

        var normalized = Graph.BatchNormalizationInTraining(x, weight, bias, (float)epsilon);
        statistics.Add(mean, normalized.Mean);
        statistics.Add(variance, unbiased ? Graph.Scale(normalized.Variance, count / (count - 1.0)) : normalized.Variance);
        return normalized.Result;

        string Buffer(string name, Initializer initializer)
        {
            parameters.Add(new Parameter(Join(name), channels, initializer, WeightDecay: false, block, new RunningStatistic(momentum)));
            return parameters[^1].Name;
        }
    }

    /// <summary>softmax(q k^T / sqrt d) v in heads, then a projection: the layers <c>qkv</c> and <c>proj</c>.</summary>
    /// <param name="x">[batch tokens, width].</param>
    /// <param name="batch">How many sequences the rows are.</param>
    /// <param name="heads">Number of heads; divides the width.</param>
    /// <param name="qkvBias">Whether queries, keys and values have a bias.</param>
    public Value SelfAttention(Value x, long batch, int heads, bool qkvBias = true)
    {
        ArgumentNullException.ThrowIfNull(x);
        var (tokens, width) = (x.Shape[0] / batch, x.Shape[1] / heads);
        // q, k and v lie side by side as 3 H heads, so that one move of a single axis serves all three.
        var qkv = Graph.Reshape(Linear("qkv", x, 3 * x.Shape[1], qkvBias), [batch, tokens, 3 * heads, width]);
        var parts = Graph.Split(Graph.Transpose(qkv, 0, 2, 1, 3), 1, heads, heads, heads);
        var (q, k, v) = (parts[0], parts[1], parts[2]);                                                            // [B, H, N, d]
        var attention = Graph.Softmax(Graph.FusedMatMul(q, k, transB: true, alpha: (float)Math.Pow(width, -0.5))); // [B, H, N, N]
        var mixed = Graph.Transpose(Graph.FusedMatMul(attention, v), 0, 2, 1, 3);                                  // [B, N, H, d]
        return Linear("proj", Graph.Reshape(mixed, x.Shape), x.Shape[1]);
    }

    /// <summary>A convolution of square kernel; weights and bias are uniform within 1/sqrt(fan in), as PyTorch's, unless told otherwise.</summary>
    /// <param name="name">Scope of <c>weight</c> [out, channels, kernel, kernel] and <c>bias</c>.</param>
    /// <param name="image">[batch, channels, height, width].</param>
    /// <param name="outChannels">Output channels.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="stride">Distance of windows; equal to the kernel for patches, which are then one matrix product.</param>
    /// <param name="weights">How the kernel is drawn.</param>
    /// <param name="bias">How the bias is drawn.</param>
    /// <param name="padding">Zeros around the image.</param>
    /// <param name="hasBias">False where a batch norm follows, which would take the bias away again.</param>
    public Value Convolution(
        string name, Value image, long outChannels, long kernel, long stride, Initializer? weights = null, Initializer? bias = null, long padding = 0, bool hasBias = true)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var inner = Scope(name);
        var bound = new Initializer.Uniform(1 / Math.Sqrt(image.Shape[1] * kernel * kernel));
        var weight = Parameter("weight", [outChannels, image.Shape[1], kernel, kernel], weights ?? bound, weightDecay: true);
        return Graph.Conv(
            image, weight, hasBias ? Parameter("bias", [outChannels], bias ?? bound) : null, strides: [stride, stride], pads: [padding, padding, padding, padding]);
    }

    private string Join(string name) => scope.Length == 0 ? name : $"{scope}.{name}";

    private sealed class OnDispose(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
