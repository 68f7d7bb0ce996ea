using AutoProg.Ort.Progressive;
using AutoProg.Ort.Training.LearningRates;

namespace AutoProg.Ort.Parity;

/// <summary>Learning rates and the scores of both searches (<c>optim.json</c>).</summary>
internal sealed class SearchScoreCheck : IFixtureCheck
{
    private const string File = "optim.json";

    // One cosine and a handful of double-precision operations.
    private const double DoublePrecision = 1e-12;

    // Both least-squares solvers stop where the sum of squares is flat to rounding (1e-16 of it), which fixes a minimiser only to about the root, 1e-8.
    private const double LeastSquares = 1e-6;

    public bool Recognizes(string folder) => System.IO.File.Exists(Path.Combine(folder, File));

    public IEnumerable<ParityCase> Run(string folder)
    {
        var goldens = JsonFixture.Read<Goldens>(folder, File);
        var path = Path.Combine(folder, File);
        return
        [
            .. JsonFixture.Rows(path, "cosine_schedule", goldens.CosineSchedule, DoublePrecision, CosineError),
            .. JsonFixture.Rows(path, "autoprog_one", goldens.AutoprogOne, LeastSquares, WeightedProductError),
            .. JsonFixture.Rows(path, "autoprog_zero", goldens.AutoprogZero, 0, VotingError),
        ];
    }

    private static double CosineError(CosineRow row)
    {
        var schedule = new CosineSchedule { PeakRate = row.Lr, MinRate = row.MinLr, Epochs = row.Epochs, WarmupEpochs = row.WarmupEpochs, WarmupRate = row.WarmupLr };
        return row.TotalEpochs == row.LrPerEpoch.Length && row.TotalEpochs == row.Epochs + row.CooldownEpochs
            ? Deviation.OfElements([.. Enumerable.Range(0, row.LrPerEpoch.Length).Select(epoch => schedule.At(epoch))], row.LrPerEpoch)
            : Deviation.Wrong;
    }

    private static double WeightedProductError(AutoprogOneRow row)
    {
        if (row.Time.Length != row.Configs.Length || row.Losses.Length != row.Configs.Length)
        {
            throw new FixtureException(
                $"The row has {row.Configs.Length} candidates, {row.Time.Length} times and {row.Losses.Length} lists of losses; expected one each per candidate.");
        }

        // The names of the candidates play no part; their index stands in as the depth.
        var measurements = row.Configs.Select((_, i) => (new SubNetwork(0, i), (IReadOnlyList<double>)row.Losses[i], TimeSpan.FromSeconds(row.Time[i])));
        var decision = SearchDecision.Make(0, 0, null, [.. measurements]);
        var order = Enumerable.Range(0, row.Configs.Length).OrderBy(i => decision.Candidates[i].Score).Select(i => row.Configs[i]);
        var residual = WeightedProductScore.Fit(row.Time, row.LossMean).ResidualSumOfSquares;
        return new[]
        {
            Deviation.OfElements([.. decision.Candidates.Select(static candidate => candidate.Loss ?? double.NaN)], row.LossMean),
            Deviation.OfElements([decision.Exponent!.Value, decision.Scale!.Value, decision.BalancingFactor!.Value, residual], [row.A1, row.A2, row.W, row.ResidualSumOfSquares]),
            Deviation.OfElements([.. decision.Candidates.Select(static candidate => candidate.Score ?? double.NaN)], row.Scores),
            Deviation.OfExact([.. order], row.Order),
            decision.Winner.Depth == row.BestIndex && row.Configs[decision.Winner.Depth] == row.Best ? 0 : Deviation.Wrong,
        }.Max();
    }

    private static double VotingError(AutoprogZeroRow row)
    {
        var vote = RankedVoting.AutoProgZero(row.Time, [.. row.NtkScore.Select(static score => -score)], row.Zico);
        if (row.Configs.Length != vote.Order.Count)
        {
            throw new FixtureException($"The row has {row.Configs.Length} candidates and {vote.Order.Count} times; expected one time per candidate.");
        }

        return new[]
        {
            Deviation.OfExact(vote.Ranks, [row.RankTime, row.RankNtk, row.RankZico]),
            Deviation.OfExact(vote.Totals, row.Total),
            Deviation.OfExact([.. vote.Order.Select(i => row.Configs[i])], row.Order),
            row.Configs[vote.Winner] == row.Best ? 0 : Deviation.Wrong,
        }.Max();
    }

    private sealed record Goldens(CosineRow[] CosineSchedule, AutoprogOneRow[] AutoprogOne, AutoprogZeroRow[] AutoprogZero);

    private sealed record CosineRow(int Epochs, int WarmupEpochs, double WarmupLr, double MinLr, double Lr, int CooldownEpochs, int TotalEpochs, double[] LrPerEpoch);

    private sealed record AutoprogOneRow(
        string[] Configs, double[] Time, double[][] Losses, double[] LossMean, double A1, double A2, double W,
        double[] Scores, string[] Order, string Best, int BestIndex, double ResidualSumOfSquares);

    private sealed record AutoprogZeroRow(
        string[] Configs, double[] Time, double[] NtkScore, double[] Zico, int[] RankTime, int[] RankNtk, int[] RankZico, double[] Total, string[] Order, string Best);
}
