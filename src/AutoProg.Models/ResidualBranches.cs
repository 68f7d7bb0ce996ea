using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>The residual branches of a pre-norm transformer, x + factor * f(norm(x)), under timm's names: <c>norm1</c>, <c>attn</c>, <c>norm2</c>, <c>mlp</c>.</summary>
/// <param name="m">The model; the block's scope is open.</param>
/// <param name="normEpsilon">Epsilon of the layer norms.</param>
/// <param name="isScaled">Adds a learnable scalar to each branch (ReZero), for growth by Identity.</param>
internal sealed class ResidualBranches(ModelBuilder m, double normEpsilon, bool isScaled)
{
    /// <summary>x + factor * f(norm1(x)).</summary>
    /// <param name="x">[B, ..., D].</param>
    /// <param name="f">From [rows, D] to [rows, D].</param>
    /// <param name="dropPath">[1, B, 1, 1], or null.</param>
    public Value Attention(Value x, Func<Value, Value> f, Value? dropPath = null) => Branch(1, "attn", x, f, dropPath);

    /// <summary>x + factor * mlp(norm2(x)): two linear layers with a GELU between them.</summary>
    /// <param name="x">[B, ..., D].</param>
    /// <param name="ratio">Hidden width over D.</param>
    /// <param name="dropPath">[1, B, 1, 1], or null.</param>
    public Value Mlp(Value x, double ratio, Value? dropPath = null)
    {
        var width = x.Shape[-1];
        return Branch(2, "mlp", x, rows => m.Linear("fc2", m.Graph.Gelu(m.Linear("fc1", rows, (long)(width * ratio))), width), dropPath);
    }

    /// <summary>Declares the input of stochastic depth [depth, 2, batch], and gives the factors of each block from the first that drops on: [1, B, 1, 1] for its attention, then for its MLP.</summary>
    public static IReadOnlyList<Value> DropPathFactors(GraphBuilder b, int depth, int batch, int firstBlock = 0)
    {
        var all = b.Input(ModelGraph.DropPathInput, ElementType.Float, [depth, 2, batch]);
        var count = 2 * (depth - firstBlock);
        var dropping = firstBlock == 0 ? all : b.Slice(all, 0, firstBlock, depth);
        return b.Split(b.Reshape(dropping, [count, batch, 1, 1]), 0, [.. Enumerable.Repeat(1L, count)]);
    }

    private Value Branch(int number, string name, Value x, Func<Value, Value> f, Value? dropPath)
    {
        var b = m.Graph;
        var normed = m.LayerNorm($"norm{number}", b.Reshape(x, [x.Shape.ElementCount / x.Shape[-1], x.Shape[-1]]), normEpsilon);
        Value branch;
        using (m.Scope(name))
        {
            branch = b.Reshape(f(normed), x.Shape);
        }

        if (isScaled)
        {
            branch = b.Mul(branch, m.Parameter($"{BranchScale.ParameterName}{number}", [1], Initializer.Ones));
        }

        return b.Add(x, dropPath is null ? branch : b.Mul(branch, b.Reshape(dropPath, [x.Shape[0], .. Enumerable.Repeat(1L, x.Shape.Rank - 1)])));
    }
}
