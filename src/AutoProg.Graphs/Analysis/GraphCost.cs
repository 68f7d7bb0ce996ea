namespace AutoProg.Graphs.Analysis;

/// <summary>What a graph costs to run, computed from its shapes.</summary>
public static class GraphCost
{
    /// <summary>Operators whose output is the input's memory under another shape.</summary>
    private static readonly HashSet<string> Views = new(StringComparer.Ordinal) { "Reshape", "Squeeze", "Unsqueeze", "Identity" };

    /// <summary>Operators that ONNX Runtime may compute into the memory of an operand that is not read again.</summary>
    private static readonly HashSet<string> InPlace = new(StringComparer.Ordinal)
    {
        "Add", "Sub", "Mul", "Div", "Neg", "Abs", "Sqrt", "Reciprocal", "Exp", "Log", "Erf", "Tanh", "Sigmoid", "HardSigmoid", "Relu", "Clip", "Softmax", "LogSoftmax",
    };

    /// <summary>Floating-point operations of the matrix products and convolutions; a multiplication and an addition are two.</summary>
    public static long MatrixFlops(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return graph.Nodes.Sum(MatrixFlops);
    }

    /// <summary>
    /// Peak memory of intermediate results in bytes, when nodes run in graph order and each result is freed after its last reader.
    /// Inputs, parameters, constants and outputs live outside.
    /// </summary>
    public static long PeakActivationBytes(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var readers = CountReaders(graph);
        var owner = new Dictionary<Value, Value>();
        var outside = graph.Outputs.Select(o => o.Value).ToHashSet();
        var (live, peak) = (0L, 0L);
        foreach (var node in graph.Nodes)
        {
            var inputs = node.Inputs.OfType<Value>().Where(v => v.Kind == ValueKind.Result).Select(v => owner.GetValueOrDefault(v, v)).ToList();
            foreach (var output in node.Outputs)
            {
                var reused = Views.Contains(node.Operator) ? inputs.FirstOrDefault()
                    : Overwritable(node).Select(v => owner.GetValueOrDefault(v, v))
                        .FirstOrDefault(v => readers[v] == inputs.Count(i => i == v) && !outside.Contains(v) && v.Shape.ElementCount == output.Shape.ElementCount);
                if (reused is not null)
                {
                    owner[output] = reused;
                    readers[reused] += readers.GetValueOrDefault(output);
                }
                else if (!outside.Contains(output))
                {
                    live += Bytes(output);
                }
            }

            peak = Math.Max(peak, live);
            foreach (var output in node.Outputs.Where(o => !owner.ContainsKey(o) && readers.GetValueOrDefault(o) == 0 && !outside.Contains(o)))
            {
                live -= Bytes(output);
            }

            foreach (var input in inputs)
            {
                if (--readers[input] == 0 && !outside.Contains(input))
                {
                    live -= Bytes(input);
                }
            }
        }

        return peak;
    }

    /// <summary>The intermediate results into which the node may compute: of a FusedConv what it adds alone.</summary>
    private static IEnumerable<Value> Overwritable(Node node)
    {
        var operands = InPlace.Contains(node.Operator) ? node.Inputs : node.Operator == "FusedConv" ? node.Inputs.Skip(3) : [];
        return operands.OfType<Value>().Where(static v => v.Kind == ValueKind.Result);
    }

    private static Dictionary<Value, int> CountReaders(Graph graph)
    {
        var readers = new Dictionary<Value, int>();
        foreach (var value in graph.Nodes.SelectMany(n => n.Inputs).OfType<Value>())
        {
            readers[value] = readers.GetValueOrDefault(value) + 1;
        }

        return readers;
    }

    private static long Bytes(Value value) => value.Shape.ElementCount * value.Type.Size();

    private static long MatrixFlops(Node node)
    {
        switch (node.Operator)
        {
            case "Gemm" or "MatMul" or "FusedMatMul":
                var a = node.Input(0).Shape;
                var inner = a.Rank > 1 && node.Attributes.Flag("transA") ? a[-2] : a[-1];
                return 2 * node.Output.Shape.ElementCount * inner;
            case "Conv" or "FusedConv":
                var perResponse = node.Input(1).Shape.ElementCount / node.Input(1).Shape[0];
                return perResponse == 1 ? 0 : 2 * node.Output.Shape.ElementCount * perResponse; // a factor per channel is no product of matrices
            case "ConvTranspose":
                return 2 * node.Input(0).Shape.ElementCount * (node.Input(1).Shape.ElementCount / node.Input(1).Shape[0]);
            default:
                return 0;
        }
    }
}
