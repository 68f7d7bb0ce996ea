namespace AutoProg.Graphs.Artifacts;

/// <summary>What came of making a graph take any batch size.</summary>
/// <param name="Graph">The graph; its values still carry the shapes of one batch size. Null where it cannot be done.</param>
/// <param name="BatchAxes">Inputs and outputs that have a batch axis, with that axis.</param>
/// <param name="Obstacle">What in the graph depends on the batch size and cannot be made free, or null.</param>
public sealed record AnyBatchGraph(Graph? Graph, IReadOnlyDictionary<string, int> BatchAxes, string? Obstacle);

/// <summary>
/// Makes a graph of static shapes take any batch size: f(batch) is built at two sizes, and what differs between the two is what depends on the batch.
/// <c>Reshape(x, [B n, d])</c> becomes <c>Reshape(x, [-1, d])</c>; <c>Expand(x, [B, 1, d])</c> takes B from the shape of an input.
/// Not complete: a Slice, Split or constant that depends on the batch is an obstacle, and told.
/// </summary>
public static class DynamicBatch
{
    // Primes that are no usual width, so that a batch is not taken for something else.
    private const int One = 5;
    private const int Other = 7;

    /// <summary>Generalises a graph.</summary>
    /// <param name="build">The same graph at a batch size.</param>
    public static AnyBatchGraph Of(Func<int, Graph> build)
    {
        ArgumentNullException.ThrowIfNull(build);
        var (one, other) = (build(One), build(Other));
        var axes = new Dictionary<string, int>(StringComparer.Ordinal);
        try
        {
            foreach (var (a, b) in Interface(one).Zip(Interface(other)))
            {
                if (BatchAxis(a.Name, a.Value.Shape, b.Value.Shape) is { } axis)
                {
                    axes.Add(a.Name, axis);
                }
            }

            var source = one.Inputs.FirstOrDefault(input => axes.ContainsKey(input.Name)) ?? throw new GraphException("no input has a batch axis");
            return new AnyBatchGraph(new Rewriting(source, axes[source.Name]).Run(one, other), axes, null);
        }
        catch (GraphException obstacle)
        {
            return new AnyBatchGraph(null, axes, obstacle.Message);
        }
    }

    private static IEnumerable<(string Name, Value Value)> Interface(Graph graph) =>
        graph.Inputs.Select(static input => (input.Name, input)).Concat(graph.Outputs.Select(static output => (output.Name, output.Value)));

    private static int? BatchAxis(string name, Shape one, Shape other)
    {
        var differing = one.Rank == other.Rank ? Enumerable.Range(0, one.Rank).Where(axis => one[axis] != other[axis]).ToList() : throw new GraphException($"'{name}' has another rank at another batch size");
        return differing switch
        {
            [] => null,
            [var axis] when one[axis] == One && other[axis] == Other => axis,
            _ => throw new GraphException($"'{name}' has shape {one} at batch {One} and {other} at batch {Other}"),
        };
    }

    /// <summary>One pass over both graphs side by side.</summary>
    private sealed class Rewriting(Value source, int sourceAxis)
    {
        private readonly List<Node> nodes = [];
        private readonly Dictionary<Value, Value> replacements = [];
        private Value? batchSize;

        public Graph Run(Graph one, Graph other)
        {
            if (one.Nodes.Count != other.Nodes.Count)
            {
                throw new GraphException($"it has {one.Nodes.Count} nodes at batch {One} and {other.Nodes.Count} at batch {Other}");
            }

            foreach (var (a, b) in one.Nodes.Zip(other.Nodes))
            {
                Add(a, b);
            }

            return Passes.Pass.Replace(one, nodes, replacements);
        }

        private void Add(Node one, Node other)
        {
            if (one.Operator != other.Operator || one.Inputs.Count != other.Inputs.Count || !SameAttributes(one.Attributes, other.Attributes))
            {
                throw new GraphException($"{one} is {other} at another batch size");
            }

            var own = new Dictionary<Value, Value>(replacements);
            for (var i = 0; i < one.Inputs.Count; i++)
            {
                if (one.Inputs[i] is { Constant: { } a } value && other.Inputs[i]?.Constant is { } b && !(a.Shape.Equals(b.Shape) && a.Bytes.SequenceEqual(b.Bytes)))
                {
                    own[value] = Generalize(one, i, a, b);
                }
                else if ((one.Inputs[i]?.Kind, one.Inputs[i]?.Kind == ValueKind.Constant ? null : one.Inputs[i]?.Name) != (other.Inputs[i]?.Kind, other.Inputs[i]?.Kind == ValueKind.Constant ? null : other.Inputs[i]?.Name))
                {
                    throw new GraphException($"{one} reads something else at another batch size");
                }
            }

            var node = one.Reading(own);
            nodes.Add(node);
            foreach (var (old, renewed) in one.Outputs.Zip(node.Outputs).Where(static pair => !ReferenceEquals(pair.First, pair.Second)))
            {
                replacements.Add(old, renewed);
            }
        }

        private Value Generalize(Node node, int input, Tensor one, Tensor other)
        {
            if (one.Type != ElementType.Int64 || !one.Shape.Equals(other.Shape))
            {
                throw new GraphException($"input {input} of {node} is another constant at another batch size");
            }

            var (sizes, otherSizes) = (one.Longs(), other.Longs());
            int[] differing = [.. Enumerable.Range(0, sizes.Length).Where(i => sizes[i] != otherSizes[i])];
            return (node.Operator, input) switch
            {
                ("Reshape", 1) when differing.Length == 1 && !sizes.Contains(0) => Constant($"{node.Name}/shape", [.. sizes.Select((size, i) => i == differing[0] ? -1 : size)]),
                ("Expand", 1) when differing.All(i => sizes[i] == One && otherSizes[i] == Other) => Concat($"{node.Name}/shape", sizes, differing),
                _ => throw new GraphException($"input {input} of {node} is [{string.Join(", ", sizes)}] at batch {One} and [{string.Join(", ", otherSizes)}] at batch {Other}"),
            };
        }

        /// <summary>The sizes as a vector in which the batch size is read from the input when the graph runs.</summary>
        private Value Concat(string name, long[] sizes, int[] batchPlaces)
        {
            Value[] parts = [.. sizes.Select((size, i) => batchPlaces.Contains(i) ? BatchSize() : Constant($"{name}/{i}", [size]))];
            return Result(name, "Concat", [sizes.Length], parts, new Attributes { { "axis", 0L } });
        }

        private Value BatchSize() => batchSize ??= Result(
            "batch/size", "Slice", [1],
            [Result("batch/shape", "Shape", [source.Shape.Rank], [source]), Constant("batch/from", [sourceAxis]), Constant("batch/to", [sourceAxis + 1])]);

        private static Value Constant(string name, long[] elements) => new(ValueKind.Constant, name, ElementType.Int64, [elements.Length], Tensor.FromLongs([elements.Length], elements));

        private Value Result(string name, string op, Shape shape, Value[] inputs, Attributes? attributes = null)
        {
            var node = new Node(name, op, "", inputs, attributes ?? Attributes.None);
            var value = new Value(ValueKind.Result, name, ElementType.Int64, shape) { Producer = node };
            node.Outputs = [value];
            nodes.Add(node);
            return value;
        }

        private static bool SameAttributes(Attributes one, Attributes other) => one.Count() == other.Count() && one.Zip(other).All(static pair => pair.First.Key == pair.Second.Key && Same(pair.First.Value, pair.Second.Value));

        private static bool Same(object one, object other) => (one, other) switch
        {
            (long[] a, long[] b) => a.AsSpan().SequenceEqual(b),
            (float[] a, float[] b) => a.AsSpan().SequenceEqual(b),
            (Tensor a, Tensor b) => a.Shape.Equals(b.Shape) && a.Bytes.SequenceEqual(b.Bytes),
            _ => one.Equals(other),
        };
    }
}
