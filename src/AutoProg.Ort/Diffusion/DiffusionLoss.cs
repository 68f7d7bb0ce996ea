#pragma warning disable CS1591
using AutoProg.Graphs;
using AutoProg.Models;

namespace AutoProg.Ort.Diffusion;
public enum DiffusionLossKind { Mse, Vb, Hybrid }
public sealed record DiffusionLoss(Value Loss)
{
    public const string StartInput = "x_start";
    public const string NoiseInput = "noise";
    public static DiffusionLoss Attach(ModelGraph graph, NoiseSchedule schedule, DiffusionLossKind kind) => throw new NotSupportedException();
    public static void AddNoise(NoiseSchedule schedule, ReadOnlySpan<float> start, ReadOnlySpan<float> noise, ReadOnlySpan<long> t, Span<float> noisy) => throw new NotSupportedException();
}
