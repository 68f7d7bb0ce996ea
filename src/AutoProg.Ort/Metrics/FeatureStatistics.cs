using System.Numerics.Tensors;
using AutoProg.Ort.Files;

namespace AutoProg.Ort.Metrics;

/// <summary>Mean and covariance of the features of a set of images: all that a Frechet distance needs to know of it.</summary>
public sealed class FeatureStatistics
{
    private const string MeanArray = "mu";
    private const string CovarianceArray = "sigma";

    // Sums in another order differ by less; something that is no covariance by more.
    private const double Asymmetry = 1e-6;

    private readonly double[] mean;
    private readonly double[] covariance;

    /// <summary>Takes the arrays over.</summary>
    /// <param name="mean">[d].</param>
    /// <param name="covariance">[d, d], symmetric.</param>
    /// <exception cref="ArgumentException">The lengths do not fit each other, a number is not finite, or the covariance is not symmetric.</exception>
    public FeatureStatistics(double[] mean, double[] covariance)
    {
        ArgumentNullException.ThrowIfNull(mean);
        ArgumentNullException.ThrowIfNull(covariance);
        if (mean.Length is 0 or > FeatureAccumulator.MaxDimension || covariance.Length != mean.Length * mean.Length)
        {
            throw new ArgumentException($"A mean of {mean.Length} and a covariance of {covariance.Length} numbers; expected d, 1 to {FeatureAccumulator.MaxDimension}, and d d.", nameof(covariance));
        }

        if (Problem(mean, covariance) is { } problem)
        {
            throw new ArgumentException($"{problem}.", nameof(covariance));
        }

        (this.mean, this.covariance) = (mean, covariance);
    }

    /// <summary>Number of features, d.</summary>
    public int Dimension => mean.Length;

    /// <summary>[d].</summary>
    public ReadOnlySpan<double> Mean => mean;

    /// <summary>[d, d], row-major.</summary>
    public ReadOnlySpan<double> Covariance => covariance;

    /// <summary>Reads what <see cref="Save"/> and the usual tools for the Frechet inception distance write: <c>mu</c> [d] and <c>sigma</c> [d, d] in a <c>.npz</c> file.</summary>
    /// <exception cref="FileFormatException">The file is damaged, holds something else, or more than <see cref="FeatureAccumulator.MaxDimension"/> features.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static FeatureStatistics Load(string path)
    {
        using var file = NpzReader.Open(path);
        var mu = Read(MeanArray, static shape => shape.Rank == 1 ? shape[0] : 0);
        var sigma = Read(CovarianceArray, shape => shape.Rank == 2 && shape[0] == mu.Length && shape[1] == mu.Length ? shape.ElementCount : 0);
        return Problem(mu, sigma) is { } problem ? throw new FileFormatException(path, problem) : new(mu, sigma);

        double[] Read(string name, Func<Graphs.Shape, long> length)
        {
            using var array = file.Read(name);
            var count = length(array.Shape);
            if (count is < 1 or > (long)FeatureAccumulator.MaxDimension * FeatureAccumulator.MaxDimension || (name == MeanArray && count > FeatureAccumulator.MaxDimension))
            {
                throw new FileFormatException(path, $"array '{name}' has shape {array.Shape}, expected {MeanArray} [d] and {CovarianceArray} [d, d] with d from 1 to {FeatureAccumulator.MaxDimension}");
            }

            var numbers = new double[count];
            array.Read(numbers);
            return numbers;
        }
    }

    /// <summary>Writes <c>mu</c> and <c>sigma</c>, float64, to a <c>.npz</c> file.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        using var file = NpzWriter.Create(path);
        file.Begin(MeanArray, TensorType.F64, [Dimension]);
        file.Write<double>(mean);
        file.Begin(CovarianceArray, TensorType.F64, [Dimension, Dimension]);
        file.Write<double>(covariance);
        file.Complete();
    }

    /// <summary>Why this is no mean with its covariance, or null.</summary>
    private static string? Problem(double[] mean, double[] covariance)
    {
        if (!double.IsFinite(TensorPrimitives.SumOfMagnitudes<double>(mean)) || !double.IsFinite(TensorPrimitives.SumOfMagnitudes<double>(covariance)))
        {
            return "mean or covariance has numbers that are not finite";
        }

        var largest = Math.Abs(TensorPrimitives.MaxMagnitude<double>(covariance));
        for (var i = 0; i < mean.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (Math.Abs(covariance[(i * mean.Length) + j] - covariance[(j * mean.Length) + i]) > Asymmetry * largest)
                {
                    return $"the covariance is not symmetric at [{i}, {j}]";
                }
            }
        }

        return null;
    }
}
