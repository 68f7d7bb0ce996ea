using AutoProg.Models;
using AutoProg.Ort.Files;
using AutoProg.Ort.Parity;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Parity;

public sealed class GoldenStepTests : InTemporaryFolder
{
    [Theory]
    [InlineData(1e-7f, true)] // what float32 leaves of a sum that cancels
    [InlineData(1e-4f, false)]
    public void A_running_statistic_that_is_analytically_zero_is_held_to_the_others(float mean, bool passes)
    {
        var running = new RunningStatistic(0.1);
        using var arena = new ParameterArena(
            [
                new Parameter("weight", [1], Initializer.Ones, WeightDecay: false),
                new Parameter("mean", [2], Initializer.Zeros, WeightDecay: false, Running: running),
                new Parameter("variance", [2], Initializer.Ones, WeightDecay: false, Running: running),
            ],
            new ArenaOptions { MomentCount = GoldenStep.MomentCount });
        arena.Values(ArenaBuffer.Weights, "variance").Fill(1);
        arena.Values(ArenaBuffer.Gradients, "mean").Fill(mean);
        arena.Values(ArenaBuffer.Gradients, "variance").Fill(2);
        SafetensorsWriter.Write(At(GoldenStep.Expected), [FloatTensor.Of("buffer.mean", [2], [1e-18f, -1e-18f]), FloatTensor.Of("buffer.variance", [2], [1.1f, 1.1f])]);
        using var expected = TensorFixture.Open(Folder, GoldenStep.Expected);

        var cases = GoldenStep.Statistics(arena, expected, "buffer.");

        Assert.Equal([("buffer.mean", passes), ("buffer.variance", true)], cases.Select(static c => (c.Name, c.Passed)));
    }
}
