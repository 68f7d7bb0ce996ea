using System.Text.Json.Serialization;

namespace AutoProg.Ort.Progressive;

/// <summary>A candidate as a search saw it.</summary>
/// <param name="SubNetwork">The candidate.</param>
/// <param name="Loss">Mean of the losses; null if it is not finite.</param>
/// <param name="Losses">Loss of every evaluation, in order; none in a zero-shot search.</param>
/// <param name="StepTime">Time of one training step, in seconds.</param>
/// <param name="Score">Smaller is better: L R^alpha (eq. 6), or the weighted sum of ranks (eq. 19); null if the candidate was left out.</param>
/// <param name="Exclusion">Why it was left out; null if it was not.</param>
/// <param name="Proxies">What a zero-shot search found; null in a one-shot search.</param>
public sealed record SearchedCandidate(
    SubNetwork SubNetwork,
    double? Loss,
    [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] IReadOnlyList<double> Losses,
    double StepTime,
    double? Score,
    string? Exclusion,
    ProxyScores? Proxies = null);

/// <summary>The training-free proxies of a candidate (sec. 4.2), with the rank of each among the candidates, from 1.</summary>
/// <param name="Kappa">Condition number of the tangent kernel of what learns (eq. 16), smaller is better; infinite where the kernel is singular.</param>
/// <param name="ZiCo">Inverse coefficient of variation of the gradients (eq. 17), larger is better.</param>
/// <param name="TimeRank">Rank of the step time.</param>
/// <param name="KappaRank">Rank of kappa.</param>
/// <param name="ZiCoRank">Rank of ZiCo.</param>
public sealed record ProxyScores(
    [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] double Kappa,
    [property: JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)] double ZiCo,
    int TimeRank,
    int KappaRank,
    int ZiCoRank);

/// <summary>A candidate with what a zero-shot search measured of it.</summary>
/// <param name="SubNetwork">The candidate.</param>
/// <param name="StepTime">Time of one training step R.</param>
/// <param name="Kappa">Condition number of the tangent kernel of what learns.</param>
/// <param name="ZiCo">ZiCo of what learns.</param>
internal sealed record ProxyMeasurement(SubNetwork SubNetwork, TimeSpan StepTime, double Kappa, double ZiCo);

/// <summary>Everything that led to the network of a stage; kept in the event log, from which <c>autoprog schedule</c> reads it back.</summary>
/// <param name="Stage">Index k, from 0.</param>
/// <param name="Epoch">First epoch that trains the winner alone.</param>
/// <param name="From">The network before; null in the first stage.</param>
/// <param name="Winner">The network of the stage.</param>
/// <param name="Exponent">a1 of the fit L = a2 R^a1; null in a zero-shot search.</param>
/// <param name="Scale">a2 of it, for R in seconds; null in a zero-shot search.</param>
/// <param name="BalancingFactor">alpha of eq. 6, max(-a1, 0); null in a zero-shot search.</param>
/// <param name="Candidates">All candidates in the order of the search.</param>
public sealed record SearchDecision(
    int Stage,
    int Epoch,
    SubNetwork? From,
    SubNetwork Winner,
    double? Exponent,
    double? Scale,
    double? BalancingFactor,
    IReadOnlyList<SearchedCandidate> Candidates)
{
    /// <summary>Lets the proxies of a zero-shot search vote (eq. 19) and picks the winner.</summary>
    /// <param name="stage">Index k.</param>
    /// <param name="epoch">The stage's first epoch.</param>
    /// <param name="from">The network before the stage; null in the first.</param>
    /// <param name="measurements">All candidates, at least one.</param>
    internal static SearchDecision Vote(int stage, int epoch, SubNetwork? from, IReadOnlyList<ProxyMeasurement> measurements)
    {
        ArgumentNullException.ThrowIfNull(measurements);
        var vote = RankedVoting.AutoProgZero(
            [.. measurements.Select(static m => m.StepTime.TotalSeconds)], [.. measurements.Select(static m => m.Kappa)], [.. measurements.Select(static m => m.ZiCo)]);
        return new(
            stage,
            epoch,
            from,
            measurements[vote.Winner].SubNetwork,
            Exponent: null,
            Scale: null,
            BalancingFactor: null,
            [
                .. measurements.Select((m, i) => new SearchedCandidate(
                    m.SubNetwork, Loss: null, Losses: [], m.StepTime.TotalSeconds, vote.Totals[i], Exclusion: null,
                    new ProxyScores(m.Kappa, m.ZiCo, vote.Ranks[0][i], vote.Ranks[1][i], vote.Ranks[2][i])))
            ]);
    }

    /// <summary>Scores what a one-shot search has measured and picks the winner.</summary>
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
