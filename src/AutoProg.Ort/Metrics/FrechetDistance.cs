using System.Numerics.Tensors;
using MathNet.Numerics.LinearAlgebra;

namespace AutoProg.Ort.Metrics;

/// <summary>
/// How far apart two sets of images are in the eyes of a network (Heusel et al., NeurIPS 2017): the squared Frechet distance between two normal distributions with
/// the means and covariances of their features, |mu_1 - mu_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2)). With Inception v3's pooled features it is the FID; figures of
/// other networks, and of other numbers of images, are not comparable with it.
/// </summary>
public static class FrechetDistance
{
    /// <summary>The distance, at least 0; float64 throughout.</summary>
    /// <exception cref="ArgumentException">The features differ in number.</exception>
    public static double Between(FeatureStatistics one, FeatureStatistics other)
    {
        ArgumentNullException.ThrowIfNull(one);
        ArgumentNullException.ThrowIfNull(other);
        if (one.Dimension != other.Dimension)
        {
            throw new ArgumentException($"One set has {one.Dimension} features, the other {other.Dimension}; both must come from the same network.", nameof(other));
        }

        var between = TensorPrimitives.Distance(one.Mean, other.Mean);
        var (first, second) = (Symmetric(one), Symmetric(other));
        var distance = (between * between) + first.Trace() + second.Trace() - (2 * TraceOfRoot(first, second));
        return Math.Max(0, distance);
    }

    /// <summary>
    /// tr (S_1 S_2)^(1/2). S_1 S_2 has the eigenvalues of A^T S_2 A for any A with A A^T = S_1, which is symmetric, so that they are real and, but for rounding, not
    /// negative. A is made of the eigenvectors of S_1; where S_1 has no extent, as with fewer images than features, neither has the product.
    /// </summary>
    private static double TraceOfRoot(Matrix<double> first, Matrix<double> second)
    {
        var decomposition = first.Evd(Symmetricity.Symmetric);
        var values = decomposition.EigenValues.Select(static value => value.Real).ToArray();
        var smallest = values.Length * Math.ScaleB(1, -52) * values.Max();
        int[] kept = [.. Enumerable.Range(0, values.Length).Where(i => values[i] > 0 && values[i] > smallest)];
        if (kept.Length == 0)
        {
            return 0;
        }

        var factor = Matrix<double>.Build.DenseOfColumnVectors(kept.Select(i => decomposition.EigenVectors.Column(i) * Math.Sqrt(values[i])));
        var product = factor.TransposeThisAndMultiply(second * factor);
        return ((product + product.Transpose()) / 2).Evd(Symmetricity.Symmetric).EigenValues.Sum(static value => Math.Sqrt(Math.Max(0, value.Real)));
    }

    private static Matrix<double> Symmetric(FeatureStatistics statistics)
    {
        // Row by row or column by column is the same for a symmetric matrix; what rounding left is divided evenly.
        var matrix = Matrix<double>.Build.Dense(statistics.Dimension, statistics.Dimension, statistics.Covariance.ToArray());
        return (matrix + matrix.Transpose()) / 2;
    }
}
