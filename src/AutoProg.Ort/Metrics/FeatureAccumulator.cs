using System.Globalization;
using System.Numerics.Tensors;

namespace AutoProg.Ort.Metrics;

/// <summary>
/// Mean and covariance of feature vectors in one pass and float64, batch by batch (Chan, Golub and LeVeque, 1979): the vectors themselves are not kept.
/// </summary>
public sealed class FeatureAccumulator
{
    /// <summary>The most features of a vector; their covariance takes 512 MiB.</summary>
    public const int MaxDimension = 8192;

    private readonly double[] mean;

    // Sums of products of deviations from the mean; the upper triangle, row by row in a full matrix.
    private readonly double[] scatter;

    /// <summary>Nothing added yet.</summary>
    /// <param name="dimension">Features of a vector, 1 to <see cref="MaxDimension"/>.</param>
    public FeatureAccumulator(int dimension)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(dimension, MaxDimension);
        Dimension = dimension;
        mean = new double[dimension];
        scatter = new double[dimension * dimension];
    }

    /// <summary>Features of a vector.</summary>
    public int Dimension { get; }

    /// <summary>Vectors added.</summary>
    public long Count { get; private set; }

    /// <summary>Adds vectors.</summary>
    /// <param name="features">[n, dimension].</param>
    /// <exception cref="ArgumentException">The length is no multiple of the dimension, or a feature is not finite; nothing was added then.</exception>
    public void Add(ReadOnlySpan<float> features)
    {
        if (features.Length % Dimension != 0)
        {
            throw new ArgumentException($"{features.Length} numbers are no vectors of {Dimension} features.", nameof(features));
        }

        for (var i = 0; i < features.Length; i++)
        {
            if (!float.IsFinite(features[i]))
            {
                throw new ArgumentException(
                    string.Create(CultureInfo.InvariantCulture, $"Feature {i % Dimension} of vector {Count + (i / Dimension)} is {features[i]}; a distance needs finite features. Look at the network that made them, and at its input."), nameof(features));
            }
        }

        var rows = features.Length / Dimension;
        if (rows == 0)
        {
            return;
        }

        var deviations = new double[features.Length];
        TensorPrimitives.ConvertTruncating<float, double>(features, deviations);
        var ownMean = new double[Dimension];
        for (var row = 0; row < rows; row++)
        {
            TensorPrimitives.Add<double>(ownMean, deviations.AsSpan(row * Dimension, Dimension), ownMean);
        }

        TensorPrimitives.Divide<double>(ownMean, rows, ownMean);
        for (var row = 0; row < rows; row++)
        {
            var own = deviations.AsSpan(row * Dimension, Dimension);
            TensorPrimitives.Subtract<double>(own, ownMean, own);
        }

        AddProducts(deviations, rows);
        Join(ownMean, rows);
    }

    /// <summary>Adds what another accumulator has gathered; the other stays as it is.</summary>
    /// <exception cref="ArgumentException">The dimensions differ.</exception>
    public void Merge(FeatureAccumulator other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Dimension != Dimension)
        {
            throw new ArgumentException($"Vectors of {other.Dimension} features cannot join vectors of {Dimension}; both must come from the same network.", nameof(other));
        }

        if (other.Count == 0)
        {
            return;
        }

        var (ownMean, count) = (other.mean.ToArray(), other.Count);
        TensorPrimitives.Add<double>(scatter, other.scatter, scatter);
        Join(ownMean, count);
    }

    /// <summary>Mean and unbiased covariance (over n - 1) of what was added so far.</summary>
    /// <exception cref="InvalidOperationException">There are fewer than two vectors.</exception>
    public FeatureStatistics ToStatistics()
    {
        if (Count < 2)
        {
            throw new InvalidOperationException($"{Count} vectors have no covariance; add at least 2.");
        }

        var covariance = new double[scatter.Length];
        for (var i = 0; i < Dimension; i++)
        {
            for (var j = i; j < Dimension; j++)
            {
                covariance[(i * Dimension) + j] = covariance[(j * Dimension) + i] = scatter[(i * Dimension) + j] / (Count - 1);
            }
        }

        return new(mean.ToArray(), covariance);
    }

    /// <summary>Two sets' products of deviations add up, and so does that of the distance between their means, weighted with n m / (n + m).</summary>
    private void Join(double[] otherMean, long otherCount)
    {
        var total = Count + otherCount;
        var share = (double)otherCount / total;
        TensorPrimitives.Subtract<double>(otherMean, mean, otherMean);
        TensorPrimitives.MultiplyAdd<double>(otherMean, share, mean, mean);
        TensorPrimitives.Multiply<double>(otherMean, Math.Sqrt(Count * share), otherMean);
        AddProducts(otherMean, 1);
        Count = total;
    }

    private void AddProducts(double[] deviations, int rows)
    {
        for (var i = 0; i < Dimension; i++)
        {
            var target = scatter.AsSpan((i * Dimension) + i, Dimension - i);
            for (var row = 0; row < rows; row++)
            {
                var own = deviations.AsSpan((row * Dimension) + i, Dimension - i);
                TensorPrimitives.MultiplyAdd<double>(own, own[0], target, target);
            }
        }
    }
}
