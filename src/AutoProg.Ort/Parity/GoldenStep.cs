using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Parity;

/// <summary>What the checks of training steps share: loading a step within bounds, and the list of what must have been compared.</summary>
internal static class GoldenStep
{
    public const string Inputs = "inputs.safetensors";
    public const string Expected = "expected.safetensors";

    /// <summary>Largest relative error of a loss.</summary>
    public const double LossLimit = 1e-5;

    /// <summary>Moments of an arena whose running statistics are compared: as many as the update has that moves them.</summary>
    public const int MomentCount = 1;

    // Means over a whole batch in another order of summation.
    private const double StatisticLimit = 1e-5;

    private const long MostActivationBytes = 8L << 30;

    /// <summary>The session that training uses.</summary>
    /// <exception cref="FixtureException">It would take too much memory.</exception>
    public static StepSession Load(string folder, byte[] model, GraphManifest manifest, long activationBytes)
    {
        ExpectFits(folder, activationBytes);
        return new StepSession(Device.Open("cpu"), model, manifest);
    }

    /// <exception cref="FixtureException">The results of a graph would take too much memory.</exception>
    public static void ExpectFits(string folder, long activationBytes)
    {
        if (activationBytes > MostActivationBytes)
        {
            throw new FixtureException($"{Path.Combine(folder, FixtureFamily.File)}: the model needs {activationBytes >> 20} MiB of activations, expected at most {MostActivationBytes >> 20}.");
        }
    }

    /// <summary>The running statistics after the step, moved by what training moves them with.</summary>
    /// <param name="arena">The step's weights, and what its batch says about them.</param>
    /// <param name="expected">The goldens.</param>
    /// <param name="prefix">What the goldens' names begin with; those that are not there are not compared.</param>
    public static IReadOnlyList<ParityCase> Statistics(ParameterArena arena, TensorFixture expected, string prefix)
    {
        using var device = Device.Open("cpu");
        using var update = device.CreateUpdate(arena, new Sgd(0, momentum: 0));
        update.Follow(arena.Layout.Select(arena.Layout.Blocks), microBatches: 1);
        var goldens = arena.Layout.Slots
            .Where(slot => slot.Parameter.IsBuffer && expected.Has(prefix + slot.Name))
            .Select(slot => (slot.Name, Expected: expected.Read(prefix + slot.Name, slot.Parameter.Shape)))
            .ToList();
        var scale = GoldenScale.Of(goldens.Select(static golden => golden.Expected));
        return [.. goldens.Select(golden => scale.Case(prefix + golden.Name, arena.Values(ArenaBuffer.Weights, golden.Name), golden.Expected, StatisticLimit))];
    }

    /// <summary>Refuses goldens that nothing was compared with, but for intermediates (<c>aux.</c>).</summary>
    public static void ExpectNothingElse(TensorFixture expected, IEnumerable<ParityCase> cases, string known)
    {
        if (expected.Names.Except(cases.Select(static c => c.Name)).FirstOrDefault(static name => !name.StartsWith("aux.", StringComparison.Ordinal)) is { } unknown)
        {
            throw new FixtureException($"{expected.Path}: tensor '{unknown}' is not known; expected {known}, and grad., grad_head. or grad_norm. of a parameter.");
        }
    }
}
