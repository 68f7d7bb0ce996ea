using System.Globalization;
using AutoProg.Models;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Parity;

/// <summary>Noise schedules, the steps of sampling, and the network with and without guidance (<c>model.json</c> of family <c>dit</c>, kind <c>diffusion</c>).</summary>
internal sealed class DiffusionCheck : IFixtureCheck
{
    private const string Family = "dit";
    private const string Kind = "diffusion";
    private const string TablesFile = "tables_float64.json";
    private const string Complete = "full";
    private const string Respaced = "respaced";
    private const string Guided = "cfg";
    private const string KeptTimesteps = "space_timesteps_";

    // The same float64 operations in the same order; roots and logarithms may differ in their last bit.
    private const double DoublePrecision = 1e-14;

    private const int LargestBatch = 4096;
    private const int MostSteps = 100_000;

    public bool Recognizes(string folder) => FixtureFamily.Of(folder) == Family && FixtureFamily.KindOf(folder) == Kind;

    public IEnumerable<ParityCase> Run(string folder)
    {
        var (fixture, model) = DitFixture.Read(folder);
        var complete = fixture.Schedule(folder);
        using var inputs = TensorFixture.Open(folder, GoldenStep.Inputs);
        using var expected = TensorFixture.Open(folder, GoldenStep.Expected);
        using var arena = new ParameterArena(model.Parameters, new ArenaOptions());
        GoldenWeights.Fill(folder, arena, "DiT", DitFixture.PositionBuffer);
        List<ParityCase> cases = [.. DoubleTables(folder, complete), Guidance()];
        foreach (var part in expected.Names.Select(static name => name.Split('.')[0]).Where(static part => part != Guided).Distinct(StringComparer.Ordinal))
        {
            var schedule = Schedule(complete, part, expected.Path);
            var golden = new GoldenDiffusion(part, schedule, fixture, model, inputs, expected);
            var t = inputs.ReadIndices(part == Complete ? "t" : $"t_{part}", [fixture.Batch], schedule.Steps);
            cases.AddRange([.. golden.Tables(), .. golden.Steps(t), Network(golden, [.. t.Select(index => (long)schedule.TimestepMap[(int)index])])]);
        }

        return expected.Names.Except(cases.Select(static c => c.Name)).FirstOrDefault() is { } unknown
            ? throw new FixtureException($"{expected.Path}: tensor '{unknown}' is not known; expected tables and steps of {Complete}. and {Respaced}<steps>., and {Guided}.output.")
            : cases;

        ParityCase Network(GoldenDiffusion golden, long[] timesteps) => new(
            golden.OutputName,
            Deviation.OfTensor(Predict(golden.X, timesteps, Indices("y", model.NullLabel, fixture.Batch), Stages("s", fixture.Batch)), golden.Output),
            fixture.Limits.OutputLimit);

        // Both halves see the samples of the first one.
        ParityCase Guidance()
        {
            var shape = inputs.ShapeOf($"{Guided}.x");
            var rows = shape.Rank == 4 && shape[0] is > 0 and <= LargestBatch && shape[0] % 2 == 0
                ? (int)shape[0]
                : throw new FixtureException($"{inputs.Path}: tensor '{Guided}.x' has shape {shape}, expected two halves of samples.");
            var x = inputs.Read($"{Guided}.x", GoldenDiffusion.Samples(fixture, model, rows));
            x.AsSpan(0, x.Length / 2).CopyTo(x.AsSpan(x.Length / 2));
            var outputs = GoldenDiffusion.Outputs(fixture, model, rows);
            var output = Predict(x, Indices($"{Guided}.t", DiT.Timesteps - 1, rows), Indices($"{Guided}.y", model.NullLabel, rows), Stages($"{Guided}.s", rows));
            var scale = JsonFixture.Read<GuidanceRow>(folder, FixtureFamily.File).CfgScale;
            Diffusion.Guidance.Apply(output, model.InputChannels, (int)outputs[1], fixture.InputSize * fixture.InputSize, scale, GuidanceForm.Three);
            return new($"{Guided}.output", Deviation.OfTensor(output, expected.Read($"{Guided}.output", outputs)), fixture.Limits.OutputLimit);
        }

        long[] Indices(string name, int last, int rows) => inputs.ReadIndices(name, [rows], last + 1);

        long[]? Stages(string name, int rows) => model.Config.NumStages == 0 ? null : Indices(name, model.NullStage, rows);

        float[] Predict(float[] x, long[] t, long[] y, long[]? s)
        {
            var artifact = new SubNetworkGraphs(LearningTask.Classify(model)).Inference(new SubNetwork(fixture.InputSize, model.MaxDepth), t.Length);
            GoldenStep.ExpectFits(folder, artifact.Cost.ActivationBytes);
            using var session = new EvalSession(Device.Open("cpu"), artifact.Model, artifact.Manifest);
            session.Bind(name => arena.View(ArenaBuffer.Weights, name));
            x.CopyTo(session.Tensor(DiT.NoisyInput));
            t.CopyTo(session.Tensor<long>(DiT.TimestepInput));
            y.CopyTo(session.Tensor<long>(DiT.LabelInput));
            s?.CopyTo(session.Tensor<long>(DiT.StageInput));
            session.Run();
            return session.Tensor(DiT.PredictionOutput).ToArray();
        }
    }

    /// <summary>The reference computes its betas anew from the cumulative products, also where it keeps every timestep.</summary>
    private static NoiseSchedule Schedule(NoiseSchedule complete, string part, string path) => part switch
    {
        Complete => complete.Respace(""),
        _ when part.StartsWith(Respaced, StringComparison.Ordinal) => Within(path, part, () => complete.Respace(part[Respaced.Length..])),
        _ => throw new FixtureException($"{path}: '{part}' is no schedule; expected {Complete} or {Respaced}<steps>."),
    };

    private static IEnumerable<ParityCase> DoubleTables(string folder, NoiseSchedule complete)
    {
        var path = Path.Combine(folder, TablesFile);
        foreach (var (part, tables) in JsonFixture.Read<Dictionary<string, Dictionary<string, double[]>>>(folder, TablesFile))
        {
            foreach (var (name, golden) in tables)
            {
                yield return part.StartsWith(KeptTimesteps, StringComparison.Ordinal) ? KeptCase(part, name, golden) : TableCase(part, name, golden);
            }
        }

        ParityCase TableCase(string part, string name, double[] golden)
        {
            var own = GoldenDiffusion.Table(Schedule(complete, part, path), name) ?? throw new FixtureException($"{path}: {part}.{name} is no table of a noise schedule.");
            return new($"{TablesFile}: {part}.{name}", Deviation.OfElements(own, golden), DoublePrecision);
        }

        ParityCase KeptCase(string part, string respacing, double[] golden)
        {
            var steps = int.TryParse(part.AsSpan(KeptTimesteps.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= MostSteps
                ? count
                : throw new FixtureException($"{path}: {part}: expected {KeptTimesteps}<steps>, 1 to {MostSteps} of them.");
            var own = Within(path, $"{part}.{respacing}", () => NoiseSchedule.RespacedTimesteps(steps, respacing));
            return new($"{TablesFile}: {part}.{respacing}", Deviation.OfExact([.. own.Select(static t => (double)t)], golden), 0);
        }
    }

    private static T Within<T>(string path, string place, Func<T> compute)
    {
        try
        {
            return compute();
        }
        catch (ArgumentException refused)
        {
            throw new FixtureException($"{path}: {place}: {refused.Message}", refused);
        }
    }

    private sealed record GuidanceRow(double CfgScale);
}
