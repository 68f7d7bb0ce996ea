using AutoProg.Ort.Data.Augmentation;

namespace AutoProg.Ort.Data.TokenLabels;

/// <summary>What a teacher saw in an image: at each place of a square grid the most probable classes.</summary>
/// <param name="side">Places per side (g).</param>
/// <param name="classes">[k, g, g]: numbers of classes.</param>
/// <param name="scores">[k, g, g]: their probabilities, in any scale.</param>
internal sealed class LabelMap(int side, ReadOnlyMemory<ushort> classes, ReadOnlyMemory<float> scores)
{
    /// <summary>
    /// The distributions of the tokens of an augmented image. A token is read at evenly spaced points, about one per place of the map that it covers, each between the four
    /// nearest places (as RoIAlign does); what lies beyond the image repeats its border. The classes that are left share 1.
    /// </summary>
    /// <param name="placement">Where the augmented image lies in the one that the map is of.</param>
    /// <param name="grid">Tokens per side.</param>
    public TokenTargets Read(ImagePlacement placement, int grid)
    {
        var points = Math.Max(1, (int)Math.Ceiling(Extent(placement) * side / grid));
        var tokens = new List<IReadOnlyList<(int, float)>>(grid * grid);
        var shares = new Dictionary<int, double>();
        for (var token = 0; token < grid * grid; token++)
        {
            var (row, column) = Math.DivRem(token, grid);
            shares.Clear();
            for (var point = 0; point < points * points; point++)
            {
                var (i, j) = Math.DivRem(point, points);
                var (x, y) = placement.At((column + ((j + 0.5) / points)) / grid, (row + ((i + 0.5) / points)) / grid);
                Add(x, y, shares);
            }

            var total = shares.Values.Sum();
            tokens.Add([.. shares.Where(static s => s.Value > 0).OrderBy(static s => s.Key).Select(s => (s.Key, (float)(s.Value / total)))]);
        }

        return new TokenTargets(tokens);
    }

    /// <summary>The longer side of the place that the result shows, where the original's are 1.</summary>
    private static double Extent(ImagePlacement p) => Math.Max(Math.Abs(p.A) + Math.Abs(p.B), Math.Abs(p.D) + Math.Abs(p.E));

    /// <summary>Adds the classes around a point, weighted by nearness.</summary>
    private void Add(double x, double y, Dictionary<int, double> shares)
    {
        var (atX, atY) = (Math.Clamp((x * side) - 0.5, 0, side - 1), Math.Clamp((y * side) - 0.5, 0, side - 1));
        var (left, top) = ((int)atX, (int)atY);
        var (right, bottom) = (Math.Min(left + 1, side - 1), Math.Min(top + 1, side - 1));
        var (u, v) = (atX - left, atY - top);
        Add(top, left, (1 - v) * (1 - u));
        Add(top, right, (1 - v) * u);
        Add(bottom, left, v * (1 - u));
        Add(bottom, right, v * u);

        void Add(int row, int column, double weight)
        {
            for (var at = (row * side) + column; weight > 0 && at < classes.Length; at += side * side)
            {
                var index = classes.Span[at];
                shares[index] = shares.GetValueOrDefault(index) + (weight * scores.Span[at]);
            }
        }
    }
}
