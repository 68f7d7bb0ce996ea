using System.Globalization;
using AutoProg.Graphs.Operators;
using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs;

/// <summary>
/// Builds a graph node by node; each operator has one method, which infers type and shape at once, so a mistake is reported where it is made.
/// Names are unique, and carry the scopes that were open.
/// </summary>
public sealed partial class GraphBuilder
{
    /// <summary>The version of ai.onnx that is emitted. Later versions lose CUDA kernels in ONNX Runtime.</summary>
    public const int Opset = 18;

    /// <summary>The operator set of ONNX Runtime's own operators, version 1.</summary>
    public const string MicrosoftDomain = "com.microsoft";

    // Elements of the largest constant that is computed at once.
    private const long MostComputedAtOnce = 1 << 20;

    private readonly List<Value> inputs = [];
    private readonly List<Value> parameters = [];
    private readonly List<Node> nodes = [];
    private readonly List<GraphOutput> outputs = [];
    private readonly Dictionary<string, int> namesInUse = new(StringComparer.Ordinal);
    private readonly Dictionary<Tensor, Value> constants = [];
    private string scope = "";
    private long computable;

    /// <summary>An empty graph.</summary>
    public GraphBuilder()
    {
    }

    /// <summary>
    /// An empty graph in which what depends on constants alone is computed where it is built: models from elsewhere compute shapes in the graph, which must be known
    /// to the operators that read them.
    /// </summary>
    /// <param name="computable">Elements that may be computed in all; what is beyond stays in the graph.</param>
    internal GraphBuilder(long computable) => this.computable = computable;

    /// <summary>Nodes so far, in the order in which they were added; a node follows what it reads.</summary>
    public IReadOnlyList<Node> Nodes => nodes;

    /// <summary>Inputs so far.</summary>
    public IReadOnlyList<Value> Inputs => inputs;

    /// <summary>Parameters so far.</summary>
    public IReadOnlyList<Value> Parameters => parameters;

    /// <summary>Opens a scope: names of nodes and parameters inside begin with it. Close it by disposing.</summary>
    /// <param name="name">E.g. <c>attn</c>; scopes nest with a dot, as in the reference implementations.</param>
    public IDisposable Scope(string name)
    {
        var outer = scope;
        scope = scope.Length == 0 ? name : $"{scope}.{name}";
        return new ScopeEnd(() => scope = outer);
    }

    /// <summary>Opens a scope that replaces the open ones, e.g. <c>grad/blocks.0.attn/Gemm</c>.</summary>
    public IDisposable RootScope(string name)
    {
        var outer = scope;
        scope = name;
        return new ScopeEnd(() => scope = outer);
    }

    /// <summary>Adds a value that is fed at every run. Input names carry no scope.</summary>
    /// <exception cref="GraphException">The name is taken.</exception>
    public Value Input(string name, ElementType type, Shape shape) => Declare(inputs, new Value(ValueKind.Input, Claim(name), type, shape));

    /// <summary>Adds a weight under the open scopes' name.</summary>
    /// <exception cref="GraphException">The name is taken.</exception>
    public Value Parameter(string name, Shape shape) =>
        Declare(parameters, new Value(ValueKind.Parameter, Claim(scope.Length == 0 ? name : $"{scope}.{name}"), ElementType.Float, shape));

    /// <summary>A constant; equal constants are one value.</summary>
    public Value Constant(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!constants.TryGetValue(tensor, out var value))
        {
            value = new Value(ValueKind.Constant, Unique("const"), tensor.Type, tensor.Shape, tensor);
            constants.Add(tensor, value);
        }

        return value;
    }

    /// <summary>A float scalar.</summary>
    public Value Scalar(float value) => Constant(Tensor.Scalar(ElementType.Float, value));

    /// <summary>A scalar of the type of another value, so that formulas serve float32 and float64 alike.</summary>
    public Value ScalarLike(Value like, double value)
    {
        ArgumentNullException.ThrowIfNull(like);
        return Constant(Tensor.Scalar(like.Type, value));
    }

    /// <summary>A float tensor.</summary>
    public Value Floats(Shape shape, ReadOnlySpan<float> values) => Constant(Tensor.FromFloats(shape, values));

    /// <summary>An int64 vector.</summary>
    public Value Longs(params ReadOnlySpan<long> values) => Constant(Tensor.FromLongs([values.Length], values));

    /// <summary>A tensor of one repeated value in the type of another value.</summary>
    public Value Full(Value like, Shape shape, double value)
    {
        var scalar = ScalarLike(like, value);
        return shape.Rank == 0 ? scalar : Expand(scalar, shape);
    }

    /// <summary>
    /// The same elements, which differentiation takes for constants: what is computed from them sends no gradient back to <paramref name="x"/>.
    /// In the graph it is an Identity, which the passes take out; so differentiate first.
    /// </summary>
    public Value StopGradient(Value x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Kind == ValueKind.Constant)
        {
            return x;
        }

        var identity = Single("Identity", [x]).Producer!;
        var stop = new Value(ValueKind.Result, identity.Output.Name, x.Type, x.Shape) { Producer = identity, StopsGradient = true };
        identity.Outputs = [stop];
        return stop;
    }

    /// <summary>Declares a result under a public name.</summary>
    /// <exception cref="GraphException">The name is an input's, a parameter's or another output's.</exception>
    public void Output(string name, Value value)
    {
        if (outputs.Any(o => o.Name == name) || inputs.Concat(parameters).Any(v => v.Name == name))
        {
            throw new GraphException($"The output name '{name}' is taken.");
        }

        outputs.Add(new GraphOutput(name, value));
    }

    /// <summary>The graph so far. Nothing is removed: see <see cref="Passes"/>.</summary>
    public Graph Build() => new([.. inputs], [.. parameters], [.. nodes], [.. outputs]);

    /// <summary>Adds a node of any operator that has a shape rule.</summary>
    /// <param name="op">Operator.</param>
    /// <param name="operands">Inputs; null leaves an optional one out.</param>
    /// <param name="attributes">Attributes.</param>
    /// <param name="outputCount">How many outputs are wanted.</param>
    /// <param name="domain">Operator set.</param>
    /// <exception cref="GraphException">The operator is unknown or the operands do not fit.</exception>
    public IReadOnlyList<Value> Add(string op, IReadOnlyList<Value?> operands, Attributes? attributes = null, int outputCount = 1, string domain = "")
    {
        var name = Unique(scope.Length == 0 ? op : $"{scope}/{op}");
        var node = new Node(name, op, domain, operands, attributes ?? Attributes.None);
        var types = OperatorShapes.Infer(node, outputCount);
        var results = new Value[outputCount];
        for (var i = 0; i < outputCount; i++)
        {
            results[i] = new Value(ValueKind.Result, outputCount == 1 ? $"{name}:out" : $"{name}:{i}", types[i].Type, types[i].Shape) { Producer = node };
        }

        node.Outputs = results;
        if (computable > 0 && outputCount == 1 && Computed(node) is { } constant)
        {
            return [constant];
        }

        nodes.Add(node);
        return results;
    }

    private Value? Computed(Node node)
    {
        var sizes = node.Inputs.OfType<Value>().Append(node.Output).Select(v => v.Shape.ElementCount).ToList();
        if (sizes.Count == 1 || node.Inputs.Any(i => i is not null && i.Constant is null) || sizes.Max() > Math.Min(computable, MostComputedAtOnce))
        {
            return null;
        }

        var result = HostKernels.Compute(node);
        computable -= result is null ? 0 : sizes.Sum();
        return result is null ? null : Constant(result);
    }

    private Value Single(string op, Value?[] operands, Attributes? attributes = null, string domain = "") => Add(op, operands, attributes, 1, domain)[0];

    private static Value Declare(List<Value> list, Value value)
    {
        list.Add(value);
        return value;
    }

    private string Claim(string name) => namesInUse.TryAdd(name, 1) ? name : throw new GraphException($"The name '{name}' is taken.");

    private string Unique(string name)
    {
        while (!namesInUse.TryAdd(name, 1))
        {
            name = $"{name}_{(++namesInUse[name]).ToString(CultureInfo.InvariantCulture)}";
        }

        return name;
    }

    private sealed class ScopeEnd(Action close) : IDisposable
    {
        public void Dispose() => close();
    }
}
