using AutoProg.Graphs.Artifacts.Protos;

namespace AutoProg.Graphs.Import;

/// <summary>The nodes of a file that wanted outputs need, and the ways of values through them.</summary>
internal sealed class NodeFlow
{
    private readonly Dictionary<string, NodeProto> producers = new(StringComparer.Ordinal);
    private readonly ILookup<string, NodeProto> readers;

    /// <summary>Follows outputs back.</summary>
    public NodeFlow(OnnxModelFile file, IReadOnlyList<string> outputs)
    {
        var nodes = file.Model.Graph.Node;
        var needed = outputs.ToHashSet(StringComparer.Ordinal);
        var kept = new List<(NodeProto Node, int Place)>();
        for (var place = nodes.Count - 1; place >= 0; place--)
        {
            if (nodes[place].Output.Any(o => o.Length > 0 && needed.Contains(o)))
            {
                kept.Add((nodes[place], place));
                needed.UnionWith(nodes[place].Input.Where(static i => i.Length > 0));
            }
        }

        kept.Reverse();
        (Nodes, Outputs) = (kept, outputs);
        readers = kept.SelectMany(static k => k.Node.Input.Distinct().Select(input => (input, k.Node))).ToLookup(static r => r.input, static r => r.Node, StringComparer.Ordinal);
        foreach (var (node, _) in kept)
        {
            foreach (var output in node.Output.Where(static o => o.Length > 0))
            {
                producers[output] = node;
            }
        }
    }

    /// <summary>In an order in which they can run, with their places in the file.</summary>
    public IReadOnlyList<(NodeProto Node, int Place)> Nodes { get; }

    /// <summary>The wanted outputs.</summary>
    public IReadOnlyList<string> Outputs { get; }

    /// <summary>Nodes that compute with what comes from a stored tensor of some kind.</summary>
    public IReadOnlySet<NodeProto> Behind(Func<string, bool> isSource)
    {
        var (values, behind) = (new HashSet<string>(StringComparer.Ordinal), new HashSet<NodeProto>(ReferenceEqualityComparer.Instance));
        foreach (var (node, _) in Nodes.Where(n => n.Node.Input.Any(input => values.Contains(input) || isSource(input))))
        {
            behind.Add(node);
            values.UnionWith(node.Output.Where(static o => o.Length > 0));
        }

        return behind;
    }

    /// <summary>The shortest way back from a node to a stored tensor of some kind: names of values from that tensor to the node's input. Null if there is none.</summary>
    public IReadOnlyList<string>? WayFrom(Func<string, bool> isSource, NodeProto node)
    {
        var way = Shortest(node.Input, value => producers.TryGetValue(value, out var producer) ? producer.Input : [], isSource);
        way?.Reverse();
        return way;
    }

    /// <summary>The shortest way on from a node to a wanted output: names of values from the node's output on.</summary>
    public IReadOnlyList<string> WayOn(NodeProto node) =>
        Shortest(node.Output, value => readers[value].SelectMany(static reader => reader.Output), Outputs.Contains) ?? [];

    /// <summary>Breadth first; every value is visited once.</summary>
    private static List<string>? Shortest(IEnumerable<string> starts, Func<string, IEnumerable<string>> next, Func<string, bool> isEnd)
    {
        var cameFrom = new Dictionary<string, string?>(StringComparer.Ordinal);
        var queue = new Queue<string>();
        Visit(starts, null);
        while (queue.TryDequeue(out var value))
        {
            if (isEnd(value))
            {
                var way = new List<string>();
                for (var step = value; step is not null; step = cameFrom[step])
                {
                    way.Add(step);
                }

                way.Reverse();
                return way;
            }

            Visit(next(value), value);
        }

        return null;

        void Visit(IEnumerable<string> values, string? from)
        {
            foreach (var value in values.Where(v => v.Length > 0 && cameFrom.TryAdd(v, from)))
            {
                queue.Enqueue(value);
            }
        }
    }
}
