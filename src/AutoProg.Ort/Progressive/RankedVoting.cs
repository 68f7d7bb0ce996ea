namespace AutoProg.Ort.Progressive;

/// <summary>One proxy's opinion on all candidates.</summary>
/// <param name="Proxy">What was measured, e.g. <c>kappa</c>.</param>
/// <param name="Weight">Weight of its vote.</param>
/// <param name="Values">One per candidate, smaller is better. NaN counts as the worst possible value.</param>
internal sealed record Ballot(string Proxy, double Weight, IReadOnlyList<double> Values);

/// <summary>Outcome of a vote.</summary>
/// <param name="Ranks">Per ballot, the rank of every candidate, from 1.</param>
/// <param name="Totals">Weighted sum of ranks per candidate.</param>
/// <param name="Order">Indices of the candidates, best first.</param>
internal sealed record VoteResult(IReadOnlyList<IReadOnlyList<int>> Ranks, IReadOnlyList<double> Totals, IReadOnlyList<int> Order)
{
    /// <summary>Index of the best candidate.</summary>
    public int Winner => Order[0];
}

/// <summary>Ranked voting over proxies (eq. 19): each ballot ranks the candidates, the weighted ranks are added, the smallest total wins.</summary>
internal static class RankedVoting
{
    /// <summary>Values within this distance of a rank's first value share the rank.</summary>
    public const double Tie = 1e-6;

    /// <summary>The ballots of AutoProg-Zero: rank_R + 1/2 rank_kappa + 1/2 rank_ZiCo, so that efficiency and performance weigh the same.</summary>
    /// <param name="runTimes">R in seconds.</param>
    /// <param name="conditionNumbers">kappa of eq. 16, smaller is better.</param>
    /// <param name="zico">ZiCo of eq. 17, larger is better; it is negated here.</param>
    public static VoteResult AutoProgZero(IReadOnlyList<double> runTimes, IReadOnlyList<double> conditionNumbers, IReadOnlyList<double> zico)
    {
        ArgumentNullException.ThrowIfNull(zico);
        return Vote(new Ballot("R", 1, runTimes), [new("kappa", 0.5, conditionNumbers), new("ZiCo", 0.5, [.. zico.Select(static value => -value)])]);
    }

    /// <summary>Adds up the ballots.</summary>
    /// <param name="runTime">The ballot on run time; it also decides between equal totals, and position decides between equal times.</param>
    /// <param name="proxies">The other ballots.</param>
    /// <exception cref="ArgumentException">There is no candidate, or the ballots differ in length.</exception>
    public static VoteResult Vote(Ballot runTime, IReadOnlyList<Ballot> proxies)
    {
        ArgumentNullException.ThrowIfNull(runTime);
        ArgumentNullException.ThrowIfNull(proxies);
        var candidates = runTime.Values.Count;
        Ballot[] ballots = [runTime, .. proxies];
        if (candidates == 0 || Array.Find(ballots, ballot => ballot.Values.Count != candidates) is not null)
        {
            var counts = string.Join(", ", ballots.Select(static ballot => $"{ballot.Values.Count} ({ballot.Proxy})"));
            throw new ArgumentException($"Ballots have {counts} values; expected one per candidate in each.", nameof(proxies));
        }

        IReadOnlyList<int>[] ranks = [.. ballots.Select(static ballot => Rank(ballot.Values))];
        double[] totals = [.. Enumerable.Range(0, candidates).Select(i => ballots.Zip(ranks, (ballot, rank) => ballot.Weight * rank[i]).Sum())];
        int[] order = [.. Enumerable.Range(0, candidates).OrderBy(i => totals[i]).ThenBy(i => Worst(runTime.Values[i]))];
        return new(ranks, totals, order);
    }

    /// <summary>Ranks from 1 for the smallest value; equal values share a rank and the next one follows without a gap.</summary>
    public static IReadOnlyList<int> Rank(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var ranks = new int[values.Count];
        var (rank, first) = (0, double.NegativeInfinity);
        foreach (var i in Enumerable.Range(0, values.Count).OrderBy(i => Worst(values[i])))
        {
            var value = Worst(values[i]);
            if (rank == 0 || (value > first && !(value - first <= Tie)))
            {
                (rank, first) = (rank + 1, value);
            }

            ranks[i] = rank;
        }

        return ranks;
    }

    private static double Worst(double value) => double.IsNaN(value) ? double.PositiveInfinity : value;
}
