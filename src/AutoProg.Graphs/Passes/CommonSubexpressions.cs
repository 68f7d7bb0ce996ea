using System.Globalization;
using System.Text;

namespace AutoProg.Graphs.Passes;

/// <summary>Computes once what is computed twice: f(x) and f(x) become one node.</summary>
public static class CommonSubexpressions
{
    /// <summary>The graph with equal nodes merged. Every operator that is emitted is a pure function.</summary>
    public static Graph Merge(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var firstOf = new Dictionary<string, Node>(StringComparer.Ordinal);
        var replacements = new Dictionary<Value, Value>();
        var nodes = new List<Node>();
        foreach (var original in graph.Nodes)
        {
            var node = original.Reading(replacements);
            if (firstOf.TryGetValue(Key(node), out var first))
            {
                foreach (var (duplicate, kept) in original.Outputs.Zip(first.Outputs))
                {
                    replacements.Add(duplicate, kept);
                }
            }
            else
            {
                firstOf.Add(Key(node), node);
                nodes.Add(node);
                foreach (var (old, renewed) in original.Outputs.Zip(node.Outputs))
                {
                    if (!ReferenceEquals(old, renewed))
                    {
                        replacements.Add(old, renewed);
                    }
                }
            }
        }

        return Pass.Replace(graph, nodes, replacements);
    }

    private static string Key(Node node)
    {
        var key = new StringBuilder(node.Domain).Append(':').Append(node.Operator).Append('/').Append(node.Outputs.Count.ToString(CultureInfo.InvariantCulture));
        foreach (var input in node.Inputs)
        {
            key.Append('|').Append(input?.Name);
        }

        foreach (var (name, value) in node.Attributes)
        {
            key.Append('#').Append(name).Append('=').Append(Text(value));
        }

        return key.ToString();
    }

    private static string Text(object value) => value switch
    {
        long[] longs => string.Join(',', longs),
        float[] floats => string.Join(',', floats.Select(f => BitConverter.SingleToInt32Bits(f))),
        float number => BitConverter.SingleToInt32Bits(number).ToString(CultureInfo.InvariantCulture),
        Tensor tensor => Convert.ToHexString(tensor.Bytes),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
