using System.Globalization;
using System.Text.Json.Serialization;
using AutoProg.Models;
using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Parity;

/// <summary>Block maps, elastic nesting, drop-path rates and unfreezing (<c>growth.json</c>).</summary>
internal sealed class GrowthCheck : IFixtureCheck
{
    private const string File = "growth.json";

    // The reference computes DeiT's rates in single precision.
    private const double SinglePrecision = 1e-6;

    // The same few double-precision operations, possibly in another order.
    private const double DoublePrecision = 1e-14;

    // Deeper than any network, and small enough that a malformed row costs no memory.
    private const int MaxDepth = 10_000;

    public bool Recognizes(string folder) => System.IO.File.Exists(Path.Combine(folder, File));

    public IEnumerable<ParityCase> Run(string folder)
    {
        var goldens = JsonFixture.Read<Goldens>(folder, File);
        var path = Path.Combine(folder, File);
        return
        [
            .. JsonFixture.Rows(path, "layer_maps", goldens.LayerMaps, 0, LayerMapError),
            .. JsonFixture.Rows(path, "elastic_stage", goldens.ElasticStage, 0, ElasticStackError),
            .. JsonFixture.Rows(path, "elastic_volo", goldens.ElasticVolo, 0, ElasticVoloError),
            .. JsonFixture.Rows(path, "growth_copy_volo", goldens.GrowthCopyVolo, 0, GrowthCopyError),
            .. JsonFixture.Rows(path, "search_extract_mismatch_9_to_18", goldens.SearchExtractMismatch, 0, SearchExtractError),
            .. JsonFixture.Rows(path, "unfreeze.released_depth28", [.. goldens.Unfreeze.ReleasedDepth28], 0, static row => UnfreezeError(row, UnfreezeRule.Released)),
            .. JsonFixture.Rows(path, "unfreeze.intended_depth28", [.. goldens.Unfreeze.IntendedDepth28], 0, static row => UnfreezeError(row, UnfreezeRule.Intended)),
            .. JsonFixture.Rows(path, "volo_drop_path", goldens.VoloDropPath, DoublePrecision, VoloDropPathError),
            .. JsonFixture.Rows(path, "deit_drop_path", goldens.DeitDropPath, SinglePrecision, DeitDropPathError),
        ];
    }

    private static double LayerMapError(LayerMapRow row)
    {
        CheckDepth(row.NewL);
        var map = LayerMap.Interpolation(row.PrevL, row.NewL);
        return Math.Max(Deviation.OfExact(map.Source, [.. row.NewIdx.Select(static i => (int?)i)]), Deviation.OfExact(map.Inserted, row.NewLayerIdx));
    }

    private static double ElasticStackError(ElasticStageRow row)
    {
        CheckDepth(Math.Max(row.L, row.LMax));
        var active = new ElasticSupernet([row.LMin], [row.L, row.LMax]).Active(row.L)[0];
        return Math.Max(Deviation.OfExact(active, row.Active), Deviation.OfExact([.. Enumerable.Range(0, row.LMax).Except(active)], row.Skip));
    }

    // Where the split is not monotone (consistent = false) the reference runs a network of another depth; held to nesting instead of to it.
    private static double ElasticVoloError(ElasticVoloRow row)
    {
        CheckDepth(Math.Max(row.L, row.LMax));
        var supernet = new ElasticSupernet(Volo.SplitOf(row.LMin), [row.LMin, row.L, row.LMax], Volo.SplitOf, InsertionOrder.DeepestFirst);
        var active = supernet.Active(row.L);
        if (row.Consistent)
        {
            return new[]
            {
                Deviation.OfExact(supernet.Split(row.L), row.Layers),
                Deviation.OfExact(active, row.Active),
                Deviation.OfExact(active, row.LoadSuperSource ?? []),
            }.Max();
        }

        var nests = supernet.ActiveBlocks(row.LMin).ToHashSet().IsSubsetOf(supernet.ActiveBlocks(row.L));
        return nests && active.Sum(static blocks => blocks.Count) == row.L ? 0 : Deviation.Wrong;
    }

    private static double GrowthCopyError(GrowthCopyRow row)
    {
        CheckDepth(row.NewL);
        var from = Volo.SplitOf(row.PrevL);
        var to = DepthSplits.Nest(from, [row.NewL], Volo.SplitOf)[0];
        IReadOnlyList<IReadOnlyList<int>> source = [.. from.Zip(to, static (prev, next) => LayerMap.Interpolation(prev, next).Source.Select(static i => i!.Value).ToArray())];
        return Deviation.OfExact(source, row.Source);
    }

    // The reference counts from depth 12 while searching and from 9 while extracting; each list must come out of its own supernet.
    private static double SearchExtractError(SearchExtractRow row)
    {
        CheckDepth(row.L);
        return Math.Max(Deviation.OfExact(ActiveFrom(12), row.ActiveDuringSearch), Deviation.OfExact(ActiveFrom(9), row.Extracted));

        IReadOnlyList<IReadOnlyList<int>> ActiveFrom(int original) =>
            new ElasticSupernet(Volo.SplitOf(original), [row.L, 18], Volo.SplitOf, InsertionOrder.DeepestFirst).Active(row.L);
    }

    private static double UnfreezeError(KeyValuePair<string, int[]> row, UnfreezeRule rule) =>
        int.TryParse(row.Key, NumberStyles.None, CultureInfo.InvariantCulture, out var level)
            ? Deviation.OfExact(Unfreezing.LearnableBlocks(28, level, rule), row.Value)
            : throw new FixtureException($"'{row.Key}' is not an unfreeze level; expected 1 to {Unfreezing.Levels}.");

    private static double VoloDropPathError(VoloDropPathRow row)
    {
        CheckDepth(row.L);
        var rates = DropPathRates.Volo(row.DropPathRate, Volo.SplitOf(row.L));
        return rates.Count == row.DropProb.Length ? rates.Zip(row.DropProb, Deviation.OfElements).Max() : Deviation.Wrong;
    }

    private static double DeitDropPathError(DeitDropPathRow row)
    {
        CheckDepth(row.Depth);
        return Deviation.OfElements(DropPathRates.Linear(row.DropPathRate, row.Depth), row.DropProb);
    }

    private static void CheckDepth(int depth)
    {
        if (depth > MaxDepth)
        {
            throw new FixtureException($"Depth {depth} is above {MaxDepth}.");
        }
    }

    private sealed record Goldens(
        LayerMapRow[] LayerMaps,
        ElasticStageRow[] ElasticStage,
        ElasticVoloRow[] ElasticVolo,
        GrowthCopyRow[] GrowthCopyVolo,
        [property: JsonPropertyName("search_extract_mismatch_9_to_18")] SearchExtractRow[] SearchExtractMismatch,
        UnfreezeTables Unfreeze,
        VoloDropPathRow[] VoloDropPath,
        DeitDropPathRow[] DeitDropPath);

    private sealed record LayerMapRow(int PrevL, int NewL, int[] NewIdx, int[] NewLayerIdx);

    private sealed record ElasticStageRow(int LMin, int LMax, int L, int[] Skip, int[] Active);

    private sealed record ElasticVoloRow(int LMin, int LMax, int L, int[] Layers, int[][] Active, bool Consistent, int[][]? LoadSuperSource);

    private sealed record GrowthCopyRow(int PrevL, int NewL, int[][] Source);

    private sealed record SearchExtractRow(int L, int[][] ActiveDuringSearch, int[][] Extracted);

    private sealed record UnfreezeTables(
        [property: JsonPropertyName("released_depth28")] Dictionary<string, int[]> ReleasedDepth28,
        [property: JsonPropertyName("intended_depth28")] Dictionary<string, int[]> IntendedDepth28);

    private sealed record VoloDropPathRow(int L, double DropPathRate, double[][] DropProb);

    private sealed record DeitDropPathRow(int Depth, double DropPathRate, double[] DropProb);
}
