using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>Positional embeddings follow the resolution: the learnable table is resampled, which is a constant matrix times the table, so its gradient is free.</summary>
internal static class PositionEmbedding
{
    /// <summary>The tokens of a square grid resampled to another grid by bicubic interpolation.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="table">[grid^2, width].</param>
    /// <param name="from">Side of the table's grid.</param>
    /// <param name="to">Side wanted.</param>
    /// <returns>[to^2, width]; the table itself where the sides agree.</returns>
    public static Value Resample(GraphBuilder b, Value table, int from, int to)
    {
        ArgumentNullException.ThrowIfNull(b);
        if (from == to)
        {
            return table;
        }

        var axis = Axis(from, to);
        var matrix = new float[(long)to * to * from * from];
        for (var i = 0; i < matrix.Length; i++)
        {
            var ((row, column), (fromRow, fromColumn)) = (Math.DivRem(i / (from * from), to), Math.DivRem(i % (from * from), from));
            matrix[i] = (float)(axis[(row * from) + fromRow] * axis[(column * from) + fromColumn]);
        }

        return b.Gemm(b.Floats([to * to, from * from], matrix), table);
    }

    /// <summary>The matrix [to, from] that resamples one axis of the grid.</summary>
    /// <remarks>The authors pass scale (n + 0.1) / N to PyTorch, so sample points shift slightly against a plain resize; released weights were trained so.</remarks>
    internal static double[] Axis(int from, int to) => ResizeMatrix.Of(from, to, ResizeMode.Cubic, (to + 0.1) / from);
}
