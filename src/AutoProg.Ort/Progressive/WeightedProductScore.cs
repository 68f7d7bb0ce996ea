using System.Globalization;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.Optimization;

namespace AutoProg.Ort.Progressive;

/// <summary>A candidate with what a search measured of it.</summary>
/// <param name="SubNetwork">The candidate.</param>
/// <param name="Loss">Mean training loss L.</param>
/// <param name="StepTime">Time of one training step R.</param>
internal sealed record CandidateMeasurement(SubNetwork SubNetwork, double Loss, TimeSpan StepTime);

/// <summary>The curve L = a2 R^a1 through the candidates.</summary>
/// <param name="Exponent">a1.</param>
/// <param name="Scale">a2, for R in seconds.</param>
/// <param name="ResidualSumOfSquares">What is left of the losses' squares.</param>
internal sealed record LossTimeCurve(double Exponent, double Scale, double ResidualSumOfSquares)
{
    /// <summary>alpha of eq. 6: how many per cent of loss one per cent of run time is worth; never negative, so that time is never rewarded.</summary>
    public double BalancingFactor => Math.Max(-Exponent, 0);
}

/// <summary>Scores of all candidates of a stage.</summary>
/// <param name="Curve">The fitted curve.</param>
/// <param name="Scores">L R^alpha per candidate, smaller is better; null for a candidate that was left out.</param>
/// <param name="Order">Indices of the scored candidates, best first.</param>
/// <param name="Exclusions">Per candidate why it was left out, or null.</param>
internal sealed record CandidateScores(LossTimeCurve Curve, IReadOnlyList<double?> Scores, IReadOnlyList<int> Order, IReadOnlyList<string?> Exclusions)
{
    /// <summary>Index of the best candidate.</summary>
    public int Winner => Order[0];
}

/// <summary>The weighted product of loss and run time by which AutoProg-One chooses (eq. 6): score(psi) = L(psi) R(psi)^alpha.</summary>
internal static class WeightedProductScore
{
    // Run times closer than this (relative) carry no information about the exponent.
    private const double EqualTimes = 1e-9;
    private const int TieDigits = 9;
    private const int MaxIterations = 1000;
    private const double Converged = 1e-15;

    /// <summary>Fits the balancing factor over the candidates and scores them.</summary>
    /// <param name="candidates">At least one; those without a finite loss or a positive time are left out with a reason.</param>
    /// <returns>Scores and order; scores equal to nine digits are ordered by time, then by position.</returns>
    /// <remarks>
    /// A curve through two candidates meets both, so where the larger has the smaller loss they tie by construction and the faster wins. It takes a third
    /// candidate for the score to tell which of them lies below the common curve.
    /// </remarks>
    /// <exception cref="ArgumentException">No candidate can be scored.</exception>
    public static CandidateScores Rank(IReadOnlyList<CandidateMeasurement> candidates)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        string?[] exclusions = [.. candidates.Select(Exclusion)];
        int[] usable = [.. Enumerable.Range(0, candidates.Count).Where(i => exclusions[i] is null)];
        if (usable.Length == 0)
        {
            var reasons = string.Join("; ", exclusions);
            throw new ArgumentException(
                $"None of the {candidates.Count} candidates can be scored: {reasons}. Lower the learning rate or start from an earlier checkpoint.", nameof(candidates));
        }

        var curve = Fit([.. usable.Select(i => candidates[i].StepTime.TotalSeconds)], [.. usable.Select(i => candidates[i].Loss)]);
        var scores = new double?[candidates.Count];
        foreach (var i in usable)
        {
            scores[i] = candidates[i].Loss * Math.Pow(candidates[i].StepTime.TotalSeconds, curve.BalancingFactor);
        }

        var best = usable.Min(i => scores[i]!.Value);
        var order = usable
            .OrderBy(i => best > 0 ? Math.Round(scores[i]!.Value / best, TieDigits) : scores[i])
            .ThenBy(i => candidates[i].StepTime);
        return new(curve, scores, [.. order], exclusions);
    }

    /// <summary>Least squares of L = a2 R^a1 over losses as they are, not over their logarithms (SciPy's <c>curve_fit</c> in the authors' code).</summary>
    /// <param name="times">R in seconds, positive.</param>
    /// <param name="losses">L, finite, as many.</param>
    /// <remarks>
    /// The authors start at a1 = a2 = 1; this starts at the fit over logarithms, which is next to the same minimum. Times are measured in their geometric
    /// mean while fitting, so the unit does not matter. With one candidate, or equal times, a1 is undetermined and taken as 0: the loss alone decides.
    /// </remarks>
    public static LossTimeCurve Fit(IReadOnlyList<double> times, IReadOnlyList<double> losses)
    {
        ArgumentNullException.ThrowIfNull(times);
        ArgumentNullException.ThrowIfNull(losses);
        if (times.Count == 0 || times.Count != losses.Count)
        {
            throw new ArgumentException($"Got {times.Count} times and {losses.Count} losses; expected one of each per candidate.", nameof(losses));
        }

        var logTimes = Vector<double>.Build.DenseOfEnumerable(times.Select(static time => Math.Log(time)));
        var centre = logTimes.Average();
        var x = logTimes - centre;
        var y = Vector<double>.Build.DenseOfEnumerable(losses);
        if (x.AbsoluteMaximum() < EqualTimes)
        {
            return new(0, y.Average(), Residual(x, y, 0, y.Average()));
        }

        var start = LogarithmicFit(x, y);
        var (exponent, scale) = y.Count == 2 && y.Minimum() > 0 ? start : LeastSquares(x, y, start);
        return new(exponent, scale * Math.Exp(-exponent * centre), Residual(x, y, exponent, scale));
    }

    private static string? Exclusion(CandidateMeasurement candidate)
    {
        if (!double.IsFinite(candidate.Loss) || candidate.Loss < 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{candidate.SubNetwork} has loss {candidate.Loss}, expected a finite loss of at least 0");
        }

        return candidate.StepTime > TimeSpan.Zero ? null : $"{candidate.SubNetwork} has step time {candidate.StepTime}, expected a positive one";
    }

    // Exact through two points; only a start where a loss is 0 and has no logarithm.
    private static (double Exponent, double Scale) LogarithmicFit(Vector<double> x, Vector<double> y)
    {
        if (y.Minimum() <= 0)
        {
            return (0, y.Average());
        }

        var logLosses = y.PointwiseLog();
        return (x.DotProduct(logLosses) / x.DotProduct(x), Math.Exp(logLosses.Average()));
    }

    private static (double Exponent, double Scale) LeastSquares(Vector<double> x, Vector<double> y, (double Exponent, double Scale) start)
    {
        var objective = ObjectiveFunction.NonlinearModel(
            static (parameters, x) => parameters[1] * (x * parameters[0]).PointwiseExp(),
            static (parameters, x) =>
            {
                var power = (x * parameters[0]).PointwiseExp();
                return Matrix<double>.Build.DenseOfColumnVectors(x.PointwiseMultiply(power) * parameters[1], power);
            },
            x,
            y);
        var fit = new LevenbergMarquardtMinimizer(gradientTolerance: Converged, stepTolerance: Converged, functionTolerance: Converged, maximumIterations: MaxIterations)
            .FindMinimum(objective, Vector<double>.Build.DenseOfArray([start.Exponent, start.Scale]));
        return (fit.MinimizingPoint[0], fit.MinimizingPoint[1]);
    }

    private static double Residual(Vector<double> x, Vector<double> y, double exponent, double scale)
    {
        var residual = y - ((x * exponent).PointwiseExp() * scale);
        return residual.DotProduct(residual);
    }
}
