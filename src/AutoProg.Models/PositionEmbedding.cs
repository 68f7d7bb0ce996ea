using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>Positional embeddings follow the resolution: the learnable table is resampled, which is a constant matrix times the table, so its gradient is free.</summary>
public static class PositionEmbedding
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

        // The authors pass scale (n + 0.1) / N to PyTorch, so sample points shift slightly against a plain resize; released weights were trained so.
        var axis = BicubicMatrix(from, to, (to + 0.1) / from);
        var matrix = new float[(long)to * to * from * from];
        for (var i = 0; i < to * to; i++)
        {
            for (var j = 0; j < from * from; j++)
            {
                matrix[((long)i * from * from) + j] = (float)(axis[i / to, j / from] * axis[i % to, j % from]);
            }
        }

        return b.Gemm(b.Floats([to * to, from * from], matrix), table);
    }

    /// <summary>One axis of PyTorch's bicubic interpolation (a = -0.75, align_corners = false, no antialias): weights [to, from].</summary>
    /// <param name="from">Samples given.</param>
    /// <param name="to">Samples wanted.</param>
    /// <param name="scale">Sample i is taken at (i + 0.5) / scale - 0.5; a plain resize has scale to / from.</param>
    public static double[,] BicubicMatrix(int from, int to, double scale)
    {
        const double A = -0.75;
        var weights = new double[to, from];
        for (var i = 0; i < to; i++)
        {
            var position = ((i + 0.5) / scale) - 0.5;
            var left = (int)Math.Floor(position);
            for (var tap = left - 1; tap <= left + 2; tap++)
            {
                var d = Math.Abs(position - tap);
                var weight = d <= 1
                    ? ((((A + 2) * d) - (A + 3)) * d * d) + 1
                    : (((((A * d) - (5 * A)) * d) + (8 * A)) * d) - (4 * A);
                weights[i, Math.Clamp(tap, 0, from - 1)] += weight;
            }
        }

        return weights;
    }
}
