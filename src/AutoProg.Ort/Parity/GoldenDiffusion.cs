using System.Globalization;
using System.Numerics.Tensors;
using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Diffusion;

namespace AutoProg.Ort.Parity;

/// <summary>The goldens of one noise schedule: its tables, and the steps of sampling from a golden output of the network.</summary>
internal sealed class GoldenDiffusion
{
    // The tables of float64, rounded once.
    private const double SinglePrecision = 1e-7;

    private const double StepLimit = 1e-5;

    private static readonly double[] Etas = [0, 0.5];

    private readonly string part;
    private readonly NoiseSchedule schedule;
    private readonly GaussianDiffusion diffusion;
    private readonly TensorFixture inputs;
    private readonly TensorFixture expected;
    private readonly Shape samples;
    private readonly int batch;

    public GoldenDiffusion(string part, NoiseSchedule schedule, DitFixture fixture, DiT model, TensorFixture inputs, TensorFixture expected)
    {
        (this.part, this.schedule, this.inputs, this.expected, batch) = (part, schedule, inputs, expected, fixture.Batch);
        diffusion = new(schedule, model.Config.LearnSigma ? ReverseVariance.LearnedRange : ReverseVariance.FixedLarge);
        samples = Samples(fixture, model, batch);
        X = inputs.Read("x", samples);
        Output = expected.Read(OutputName, Outputs(fixture, model, batch));
    }

    private delegate void Row(int row, Span<float> destination);

    /// <summary>x_t.</summary>
    public float[] X { get; }

    /// <summary>What the network says about it.</summary>
    public float[] Output { get; }

    public string OutputName => $"{part}.model_output";

    public static Shape Samples(DitFixture fixture, DiT model, int rows) => [rows, model.InputChannels, fixture.InputSize, fixture.InputSize];

    public static Shape Outputs(DitFixture fixture, DiT model, int rows) => Samples(fixture, model, rows).With(1, (model.Config.LearnSigma ? 2 : 1) * model.InputChannels);

    /// <summary>A table by the reference's name; null for a name that is none.</summary>
    public static IReadOnlyList<double>? Table(NoiseSchedule schedule, string name) => name switch
    {
        "betas" => schedule.Betas,
        "alphas_cumprod" => schedule.AlphasCumprod,
        "alphas_cumprod_prev" => schedule.AlphasCumprodPrev,
        "alphas_cumprod_next" => schedule.AlphasCumprodNext,
        "sqrt_alphas_cumprod" => schedule.SqrtAlphasCumprod,
        "sqrt_one_minus_alphas_cumprod" => schedule.SqrtOneMinusAlphasCumprod,
        "log_one_minus_alphas_cumprod" => schedule.LogOneMinusAlphasCumprod,
        "sqrt_recip_alphas_cumprod" => schedule.SqrtRecipAlphasCumprod,
        "sqrt_recipm1_alphas_cumprod" => schedule.SqrtRecipm1AlphasCumprod,
        "posterior_variance" => schedule.PosteriorVariance,
        "posterior_log_variance_clipped" => schedule.PosteriorLogVarianceClipped,
        "posterior_mean_coef1" => schedule.PosteriorMeanCoef1,
        "posterior_mean_coef2" => schedule.PosteriorMeanCoef2,
        "timestep_map" => [.. schedule.TimestepMap.Select(static t => (double)t)],
        _ => null,
    };

    public IEnumerable<ParityCase> Tables()
    {
        foreach (var name in expected.Names.Where(name => name.StartsWith($"{part}.", StringComparison.Ordinal)))
        {
            if (Table(schedule, name[(part.Length + 1)..]) is { } own)
            {
                var golden = expected.Read(name, [schedule.Steps]);
                yield return new(name, Deviation.OfElements([.. own.Select(static v => (double)(float)v)], [.. golden.Select(static v => (double)v)]), SinglePrecision);
            }
        }
    }

    /// <summary>Every kind of step.</summary>
    /// <param name="t">[batch], indices into the schedule.</param>
    public IEnumerable<ParityCase> Steps(long[] t)
    {
        var (start, noise) = (inputs.Read("x_start", samples), inputs.Read("noise", samples));
        var reverse = Enumerable.Range(0, batch).Select(row => diffusion.Reverse(At(row))).ToArray();
        yield return Compare("q_sample", (row, to) => ForwardProcess.AddNoise(schedule, Of(start, row), Of(noise, row), [t[row]], to));
        yield return Compare("q_posterior.mean", (row, to) => diffusion.PosteriorMean(Of(start, row), Of(X, row), (int)t[row], to));
        yield return Compare("p_mean_variance.mean", (row, to) => reverse[row].Mean.CopyTo(to));
        yield return Compare("p_mean_variance.log_variance", (row, to) => reverse[row].LogVariance.CopyTo(to));
        yield return Compare("p_mean_variance.variance", (row, to) => TensorPrimitives.Exp(reverse[row].LogVariance, to));
        yield return Compare("p_mean_variance.pred_xstart", (row, to) => reverse[row].Start.CopyTo(to));
        yield return Compare("p_sample.sample", (row, to) => diffusion.StepDdpm(At(row), Of(noise, row), to));
        foreach (var eta in Etas)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"ddim_sample.eta{eta:0.0}.sample");
            yield return Compare(name, (row, to) => diffusion.StepDdim(At(row), eta, Of(noise, row), to));
        }

        yield return Compare("ddim_reverse_sample.sample", (row, to) => diffusion.InvertDdim(At(row), to));

        Prediction At(int row) => new() { X = Of(X, row), Output = Of(Output, row), T = (int)t[row] };
    }

    private Span<float> Of(float[] tensor, int row) => tensor.AsSpan(row * (tensor.Length / batch), tensor.Length / batch);

    private ParityCase Compare(string name, Row compute)
    {
        var own = new float[X.Length];
        for (var row = 0; row < batch; row++)
        {
            compute(row, Of(own, row));
        }

        return new($"{part}.{name}", Deviation.OfTensor(own, expected.Read($"{part}.{name}", samples)), StepLimit);
    }
}
