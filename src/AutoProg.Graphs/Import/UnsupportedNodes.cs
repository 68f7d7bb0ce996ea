using AutoProg.Graphs.Artifacts.Protos;

namespace AutoProg.Graphs.Import;

/// <summary>Nodes of a file that cannot be built, or not be differentiated where that is needed: all in one message, with the way on which their gradient would pass.</summary>
internal static class UnsupportedNodes
{
    private const int MostListed = 50;
    private const int LongestWay = 8;

    /// <summary>Refuses a file that has some.</summary>
    /// <param name="file">The file.</param>
    /// <param name="flow">What of it is wanted.</param>
    /// <param name="learns">Tells the stored tensors that gradients are needed of; is asked for every name that a node reads.</param>
    /// <exception cref="OnnxFormatException">It has.</exception>
    public static void Refuse(OnnxModelFile file, NodeFlow flow, Func<string, bool> learns)
    {
        var behind = flow.Behind(learns);
        var unsupported = flow.Nodes.Where(n => !CanonicalOperators.Knows(DomainOf(n.Node), n.Node.OpType) || (behind.Contains(n.Node) && !CanonicalOperators.HasGradient(n.Node.OpType))).ToList();
        if (unsupported.Count > 0)
        {
            var listed = unsupported.Take(MostListed).Select(n => Describe(n.Node, n.Place, behind.Contains(n.Node) ? flow.WayFrom(learns, n.Node) : null, flow));
            var more = unsupported.Count > MostListed ? $"\n  and {unsupported.Count - MostListed} more" : "";
            throw new OnnxFormatException(file.Path, $"{unsupported.Count} {(unsupported.Count == 1 ? "node is" : "nodes are")} not supported:\n{string.Join('\n', listed)}{more}");
        }
    }

    private static string Describe(NodeProto node, int place, IReadOnlyList<string>? way, NodeFlow flow)
    {
        var domain = DomainOf(node);
        var op = domain.Length == 0 ? node.OpType : $"{domain}::{node.OpType}";
        var known = CanonicalOperators.Knows(domain, node.OpType);
        var need = way is null ? "no gradient is needed there" : $"its gradient is needed on the way {Shown([.. way, .. flow.WayOn(node)])}";
        return $"  {UntrustedText.Shown(op)} (node '{UntrustedText.Shown(GraphStructure.NameOf(node, place))}'){(known ? " has no gradient" : "")}: {need}";
    }

    private static string DomainOf(NodeProto node) => node.Domain == "ai.onnx" ? "" : node.Domain;

    private static string Shown(IReadOnlyList<string> way)
    {
        var names = way.Select(UntrustedText.Shown);
        return string.Join(" -> ", way.Count <= LongestWay ? names : [.. names.Take(LongestWay / 2), "...", .. names.TakeLast(LongestWay / 2)]);
    }
}
