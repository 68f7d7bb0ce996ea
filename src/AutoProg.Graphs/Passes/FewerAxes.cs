using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Passes;

/// <summary>
/// Transpositions of as few axes as can be: those that stay neighbours move as one, and those of size 1 do not count. ONNX Runtime has fast kernels for what is a matrix then, or
/// a batch of matrices, and walks from element to element otherwise: [2048, 512, 1, 1] with its first axes exchanged takes two cores 16 ms, as a matrix 0.5.
/// It comes last, as merged axes hide from <see cref="LayoutRules"/> what cancels.
/// </summary>
internal static class FewerAxes
{
    private static readonly RewriteRule[] Rules = [new("Transpose(x) = Transpose(Reshape(x)) of fewer axes", Merge), .. LayoutRules.Reshapes];

    /// <summary>The graph with every transposition in its shortest form.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="log">Is told how often it was done.</param>
    public static Graph Apply(Graph graph, RewriteLog log) => Rewriting.Exhaust(graph, Rules, log);

    private static Value? Merge(Node n, Rewriting g)
    {
        if (n.Operator != "Transpose")
        {
            return null;
        }

        // The axes that count, in the order in which they lie in x; which of them follow each other in the result; and where there a run of neighbours starts.
        var shape = n.Input(0).Shape;
        int[] axes = [.. Enumerable.Range(0, shape.Rank).Where(axis => shape[axis] != 1)];
        int[] moved = [.. LayoutShapes.Permutation(n).Select(axis => Array.IndexOf(axes, (int)axis)).Where(static place => place >= 0)];
        int[] starts = [.. Enumerable.Range(0, moved.Length).Where(i => i == 0 || moved[i] != moved[i - 1] + 1).Select(i => moved[i])];
        if (starts.Length == shape.Rank)
        {
            return null;
        }

        int[] inOrder = [.. starts.Order()];
        var sizes = inOrder.Select((start, i) => axes[start..(i + 1 < inOrder.Length ? inOrder[i + 1] : axes.Length)].Aggregate(1L, (product, axis) => product * shape[axis]));
        var merged = g.Reshape(n, n.Input(0), Shape.Of([.. sizes]));
        var permutation = starts.Select(start => (long)Array.IndexOf(inOrder, start)).ToArray();
        return g.Reshape(n, g.Add("Transpose", n, [merged], new Attributes { { "perm", permutation } }), n.Output.Shape);
    }
}
