using System.Globalization;
using AutoProg.Models;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Parity;

/// <summary>Growth schedules, roundings, depth splits and accumulation (<c>schedule.json</c>).</summary>
internal sealed class ScheduleCheck : IFixtureCheck
{
    private const string File = "schedule.json";

    // The same few double-precision operations, possibly in another order.
    private const double DoublePrecision = 1e-14;

    // The reference's schedules are made for 16-pixel patches and steps of 32.
    private const int PatchSize = 16;
    private const int ResolutionDivisor = 32;
    private const int HeadDivisor = 2;

    public bool Recognizes(string folder) => System.IO.File.Exists(Path.Combine(folder, File));

    public IEnumerable<ParityCase> Run(string folder)
    {
        var goldens = JsonFixture.Read<Goldens>(folder, File);
        var path = Path.Combine(folder, File);
        return
        [
            .. JsonFixture.Rows(path, "autoprog", goldens.Autoprog, DoublePrecision, AutoprogError),
            .. JsonFixture.Rows(path, "autoprog_zero", goldens.AutoprogZero, 0, static row => SizesError(row.Args, row.Epochs, row.R, row.L)),
            .. JsonFixture.Rows(path, "make_divisible", goldens.MakeDivisible, 0, static row =>
                Number(row, 2).Equals(Divisible.Nearest(Number(row, 0), Whole(row, 1))) ? 0 : Deviation.Wrong),
            .. JsonFixture.Rows(path, "volo_split", goldens.VoloSplit, 0, static row =>
                Whole(row, 1) == Volo.OutlookersOf(Whole(row, 0)) ? 0 : Deviation.Wrong),
            .. JsonFixture.Rows(path, "get_divisor", goldens.GetDivisor, 0, static row =>
                Whole(row, 2) == MicroBatches.ForStage(Whole(row, 0), Number(row, 1)) ? 0 : Deviation.Wrong),
        ];
    }

    private static double AutoprogError(AutoprogRow row)
    {
        var args = row.Args;
        var recipe = Recipe(args) with
        {
            Augmentation = new() { Aa = args.Aa, Reprob = args.Reprob, Scale = args.Scale },
            Model = new() { Name = "fixture", DropPath = args.DropPath },
        };
        recipe = recipe with { Growth = recipe.Growth with { AaScale = args.AaScale, DpScale = args.DpScale, ReScale = args.ReScale, ResizeScale = args.ResizeScale } };
        StageRegularization[] stages = [.. Plan(recipe, args).Stages.Select(static stage => stage.Regularization)];
        int[] heads = [.. UniformLinearGrowth.Scales(args.HScale, args.NumStages).Select(scale => Divisible.Nearest(scale * args.HMax, HeadDivisor))];
        return new[]
        {
            SizesError(args, row.Epochs, row.R, row.L),
            Deviation.OfExact(heads, row.H),
            Deviation.OfExact([.. stages.Select(static stage => stage.Aa ?? "")], row.Aa),
            Deviation.OfElements([.. stages.Select(static stage => stage.DropPath)], row.DropPath),
            Deviation.OfElements([.. stages.Select(static stage => stage.Reprob)], row.Reprob),
            Deviation.OfElements([.. stages.SelectMany(static stage => new[] { stage.CropScaleMin, stage.CropScaleMax })], [.. row.Resize.SelectMany(static bounds => bounds)]),
        }.Max();
    }

    private static double SizesError(Arguments args, int[] epochs, int[] resolutions, int[] depths)
    {
        var stages = Plan(Recipe(args), args).Stages;
        return new[]
        {
            Deviation.OfExact([.. stages.Select(static stage => stage.FirstEpoch)], epochs),
            Deviation.OfExact([.. stages.Select(static stage => stage.SubNetwork!.Value.Resolution)], resolutions),
            Deviation.OfExact([.. stages.Select(static stage => stage.SubNetwork!.Value.Depth)], depths),
        }.Max();
    }

    private static GrowthSchedule Plan(Recipe recipe, Arguments args) =>
        GrowthSchedule.Plan(recipe, GrowthSpace.From(recipe.Growth, new(args.RMax, args.LMax), PatchSize));

    private static Recipe Recipe(Arguments args) => new()
    {
        Model = new() { Name = "fixture" },
        Data = new(),
        Training = new() { Epochs = args.Epochs },
        Growth = new()
        {
            Policy = GrowthPolicyKind.Prog,
            NumStages = args.NumStages,
            RScale = args.RScale,
            LScale = args.LScale,
            ResolutionDivisor = ResolutionDivisor,
        },
    };

    private static double Number(double[] row, int column) => column < row.Length
        ? row[column]
        : throw new FixtureException($"The row has {row.Length} columns, expected at least {column + 1}.");

    private static int Whole(double[] row, int column) =>
        Number(row, column) is var value && value >= 0 && value <= int.MaxValue && value.Equals(Math.Floor(value))
            ? (int)value
            : throw new FixtureException(string.Create(CultureInfo.InvariantCulture, $"Column {column} is {value}, expected a whole number."));

    private sealed record Goldens(AutoprogRow[] Autoprog, AutoprogZeroRow[] AutoprogZero, double[][] MakeDivisible, double[][] VoloSplit, double[][] GetDivisor);

    private record Arguments(int NumStages, double RScale, double LScale, int Epochs, int RMax, int LMax);

    private sealed record AutoprogArguments(
        int NumStages, double RScale, double LScale, int Epochs, int RMax, int LMax, double HScale, int HMax, double AaScale, double DpScale, double ReScale, double[] ResizeScale,
        string Aa, double DropPath, double Reprob, double[] Scale)
        : Arguments(NumStages, RScale, LScale, Epochs, RMax, LMax);

    private sealed record AutoprogRow(
        AutoprogArguments Args, int[] Epochs, int[] R, int[] H, int[] L, string[] Aa, double[] DropPath, double[] Reprob, double[][] Resize);

    private sealed record AutoprogZeroRow(Arguments Args, int[] Epochs, int[] R, int[] L);
}
