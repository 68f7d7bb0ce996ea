using System.Text.Json.Serialization;

namespace AutoProg.Ort.Progressive;

/// <summary>A candidate as a search saw it.</summary>
/// <param name="SubNetwork">The candidate.</param>
/// <param name="Loss">Mean of the losses; null if it is not finite.</param>
/// <param name="Losses">Loss of every evaluation, in order.</param>
/// <param name="StepTime">Time of one training step, in seconds.</param>
/// <param name="Score">L R^alpha (eq. 6), smaller is better; null if the candidate was left out.</param>
/// <param name="Exclusion">Why it was left out; null if it was not.</param>
public sealed record SearchedCandidate(
    SubNetwork SubNetwork,
    double? Loss,
    [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] IReadOnlyList<double> Losses,
    double StepTime,
    double? Score,
    string? Exclusion);

/// <summary>Everything that led to the network of a stage; kept in the event log, from which <c>autoprog schedule</c> reads it back.</summary>
/// <param name="Stage">Index k, from 0.</param>
/// <param name="Epoch">First epoch that trains the winner alone.</param>
/// <param name="From">The network before; null in the first stage.</param>
/// <param name="Winner">The network of the stage.</param>
/// <param name="Exponent">a1 of the fit L = a2 R^a1.</param>
/// <param name="Scale">a2 of it, for R in seconds.</param>
/// <param name="BalancingFactor">alpha of eq. 6, max(-a1, 0).</param>
/// <param name="Candidates">All candidates in the order of the search.</param>
public sealed record SearchDecision(
    int Stage,
    int Epoch,
    SubNetwork? From,
    SubNetwork Winner,
    double Exponent,
    double Scale,
    double BalancingFactor,
    IReadOnlyList<SearchedCandidate> Candidates)
{
    /// <summary>Scores what a search has measured and picks the winner.</summary>
    /// <param name="stage">Index k.</param>
    /// <param name="epoch">First epoch that trains the winner alone.</param>
    /// <param name="from">The network before the stage; null in the first.</param>
    /// <param name="measurements">Per candidate: the losses of all its evaluations and its step time.</param>
    /// <exception cref="ArgumentException">No candidate can be scored.</exception>
    public static SearchDecision Make(int stage, int epoch, SubNetwork? from, IReadOnlyList<(SubNetwork SubNetwork, IReadOnlyList<double> Losses, TimeSpan StepTime)> measurements)
    {
        ArgumentNullException.ThrowIfNull(measurements);
        double[] means = [.. measurements.Select(static m => m.Losses.Count == 0 ? double.NaN : m.Losses.Average())];
        var ranked = WeightedProductScore.Rank([.. measurements.Zip(means, static (m, mean) => new CandidateMeasurement(m.SubNetwork, mean, m.StepTime))]);
        return new(
            stage,
            epoch,
            from,
            measurements[ranked.Winner].SubNetwork,
            ranked.Curve.Exponent,
            ranked.Curve.Scale,
            ranked.Curve.BalancingFactor,
            [
                .. measurements.Select((m, i) => new SearchedCandidate(
                    m.SubNetwork, double.IsFinite(means[i]) ? means[i] : null, [.. m.Losses], m.StepTime.TotalSeconds, ranked.Scores[i], ranked.Exclusions[i]))
            ]);
    }
}
