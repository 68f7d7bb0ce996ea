#if !DEBUG // Debug builds cut memory into tiny tiles.
using System.Diagnostics;
using AutoProg.Models;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;
using Xunit.Abstractions;

namespace AutoProg.Ort.Tests.Runtime.Optimizers;

[Collection(nameof(Alone))]
public sealed class HostParameterUpdateSpeedTests(ITestOutputHelper output)
{
    [Fact]
    [Trait("Category", "Slow")]
    public void AdamW_with_one_average_over_27_million_parameters_takes_a_blink()
    {
        using var arena = new ParameterArena([new("all", [27_000_000], new Initializer.Normal(0.02), WeightDecay: true)], new ArenaOptions { MomentCount = 2, EmaDecays = [0.998] });
        ParameterInitialization.Fill(arena, 1);
        arena.Gradients.CopyFrom(arena.Weights);
        var everything = arena.Layout.Select([]);
        foreach (var threadCount in new[] { 1, 2 })
        {
            var update = new HostParameterUpdate(arena, new AdamW(0.05), threadCount);
            var step = Median(() => update.Step(everything, 1e-3));
            var norm = Median(() => update.Norm(everything));
            output.WriteLine($"{threadCount} threads: step {step.TotalMilliseconds:F1} ms, norm {norm.TotalMilliseconds:F1} ms");

            // Usually 15 to 30 ms; the limit only has to catch a loop that is no longer vectorised, on a busy machine.
            Assert.InRange(step.TotalMilliseconds, 0, 500);
        }

        static TimeSpan Median(Action act)
        {
            var times = new List<TimeSpan>();
            for (var i = 0; i < 15; i++)
            {
                var start = Stopwatch.GetTimestamp();
                act();
                times.Add(Stopwatch.GetElapsedTime(start));
            }

            return times.Order().ElementAt(times.Count / 2);
        }
    }
}
#endif
