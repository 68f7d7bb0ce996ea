namespace AutoProg.Models;

/// <summary>Fixed embeddings by sines and cosines of geometrically spaced frequencies (Vaswani et al., NeurIPS 2017), computed in double precision.</summary>
internal static class SinCosPositions
{
    private const double LongestPeriod = 10_000;

    /// <summary>Positions of the tokens of a square grid: half of the width tells the column, half the row, each sines first.</summary>
    /// <param name="width">Width of an embedding, a multiple of 4.</param>
    /// <param name="grid">Side of the grid that the table is made for.</param>
    /// <param name="to">Side wanted; another one is resampled from the table by bicubic interpolation, as <see cref="PositionEmbedding"/> does it.</param>
    /// <returns>[to^2, width], row-major.</returns>
    /// <exception cref="ArgumentException">The width is not a positive multiple of 4, or a side is not positive.</exception>
    public static double[] OfGrid(int width, int grid, int to)
    {
        if (width <= 0 || width % 4 != 0)
        {
            throw new ArgumentException($"Positions of width {width} cannot be split into sines and cosines of rows and columns; use a multiple of 4.", nameof(width));
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(grid);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(to);

        // Columns and rows are independent, and each row of the matrix sums to 1: the table of one axis is all there is to resample.
        var half = width / 2;
        var axis = Resampled([.. Enumerable.Range(0, grid).SelectMany(position => OfPosition(position, half))], half, grid, to);
        var table = new double[to * to * width];
        for (var token = 0; token < to * to; token++)
        {
            var (row, column) = Math.DivRem(token, to);
            axis.AsSpan(column * half, half).CopyTo(table.AsSpan(token * width));
            axis.AsSpan(row * half, half).CopyTo(table.AsSpan((token * width) + half));
        }

        return table;
    }

    /// <summary>Embeddings of the timesteps 0..steps-1: cosines first, then sines.</summary>
    /// <param name="width">Width of an embedding, even.</param>
    /// <param name="steps">Number of timesteps.</param>
    /// <returns>[steps, width], row-major.</returns>
    public static double[] OfTimesteps(int width, int steps)
    {
        var half = width / 2;
        var table = new double[steps * width];
        for (var t = 0; t < steps; t++)
        {
            for (var i = 0; i < half; i++)
            {
                (table[(t * width) + half + i], table[(t * width) + i]) = Math.SinCos(t * Frequency(i, half));
            }
        }

        return table;
    }

    private static IEnumerable<double> OfPosition(int position, int width)
    {
        var angles = Enumerable.Range(0, width / 2).Select(i => position * Frequency(i, width / 2)).ToArray();
        return [.. angles.Select(Math.Sin), .. angles.Select(Math.Cos)];
    }

    private static double Frequency(int index, int count) => Math.Pow(LongestPeriod, -(double)index / count);

    private static double[] Resampled(double[] table, int width, int from, int to)
    {
        if (from == to)
        {
            return table;
        }

        var matrix = PositionEmbedding.Axis(from, to);
        var result = new double[to * width];
        for (var i = 0; i < to; i++)
        {
            for (var k = 0; k < from; k++)
            {
                for (var d = 0; d < width; d++)
                {
                    result[(i * width) + d] += matrix[(i * from) + k] * table[(k * width) + d];
                }
            }
        }

        return result;
    }
}
