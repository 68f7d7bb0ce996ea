using System.Numerics;
using System.Runtime.InteropServices;
using AutoProg.Graphs;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>
/// Decoupled weight decay (Loshchilov and Hutter, ICLR 2019; https://arxiv.org/abs/1711.05101) in PyTorch's form:
/// <c>m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w = w - lr wd w - lr m_hat / (sqrt(v_hat) + eps)</c>
/// with <c>m_hat = m / (1 - b1^t), v_hat = v / (1 - b2^t)</c>.
/// </summary>
internal sealed record AdamW : UpdateRule
{
    /// <summary>Checks the settings.</summary>
    /// <param name="weightDecay">wd, not negative.</param>
    /// <param name="beta1">b1 in [0, 1).</param>
    /// <param name="beta2">b2 in [0, 1).</param>
    /// <param name="eps">Positive: with 0, an element whose gradient has always been zero would become NaN.</param>
    /// <exception cref="ArgumentOutOfRangeException">A setting is outside its range.</exception>
    public AdamW(double weightDecay, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8)
        : base(weightDecay)
    {
        CheckRange(beta1 is >= 0 and < 1, nameof(beta1), beta1, "[0, 1)");
        CheckRange(beta2 is >= 0 and < 1, nameof(beta2), beta2, "[0, 1)");
        CheckRange((float)eps > 0 && double.IsFinite(eps), nameof(eps), eps, "(0, infinity)");
        (Beta1, Beta2, Eps) = (beta1, beta2, eps);
    }

    /// <summary>b1, decay of the mean of the gradient.</summary>
    public double Beta1 { get; }

    /// <summary>b2, decay of the mean of the squared gradient.</summary>
    public double Beta2 { get; }

    /// <summary>Term against division by zero.</summary>
    public double Eps { get; }

    /// <inheritdoc />
    public override int MomentCount => 2;

    /// <inheritdoc />
    public override IUpdateKernel At(double learningRate, double gradientScale, bool decayed, long step) => KernelAt(learningRate, gradientScale, decayed, step);

    /// <inheritdoc />
    internal override float[] Scalars(double learningRate, double gradientScale, bool decayed, long step)
    {
        var kernel = KernelAt(learningRate, gradientScale, decayed, step);
        return [kernel.GradientScale, kernel.RootCorrection, kernel.StepSize, kernel.Decay];
    }

    /// <inheritdoc />
    internal override RangeState Express(GraphBuilder b, RangeState old, Value gradients, IReadOnlyList<Value> scalars)
    {
        var (gradientScale, rootCorrection, stepSize, decay) = (scalars[0], scalars[1], scalars[2], scalars[3]);
        var g = b.Mul(gradients, gradientScale);
        var m = b.Add(old.First, b.Scale(b.Sub(g, old.First), 1 - Beta1));
        var v = b.Add(old.Second!, b.Scale(b.Sub(b.Mul(g, g), old.Second!), 1 - Beta2));
        var direction = b.Div(m, b.Add(b.Mul(b.Sqrt(v), rootCorrection), b.ScalarLike(v, Eps)));
        var w = b.Sub(old.Weights, b.Add(b.Mul(direction, stepSize), b.Mul(old.Weights, decay)));
        return new RangeState(w, m, v);
    }

    private Kernel KernelAt(double learningRate, double gradientScale, bool decayed, long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        return new Kernel(
            GradientScale: (float)gradientScale,
            Rate1: (float)(1 - Beta1),
            Rate2: (float)(1 - Beta2),
            RootCorrection: (float)(1 / Math.Sqrt(1 - Math.Pow(Beta2, step))),
            Eps: (float)Eps,
            StepSize: (float)(learningRate / (1 - Math.Pow(Beta1, step))),
            Decay: decayed ? (float)(learningRate * WeightDecay) : 0);
    }

    // Moments move by rate * (new - old), not by b * old + (1 - b) * new: b and 1 - b rounded to float32 do not add up to 1, which at b = 0.999 shifts
    // the mean by 1e-5. Step and decay are joined before they meet the weight, so that it is rounded once.
    private sealed record Kernel(float GradientScale, float Rate1, float Rate2, float RootCorrection, float Eps, float StepSize, float Decay) : IUpdateKernel
    {
        public void Apply(Span<float> weights, ReadOnlySpan<float> gradients, Span<float> first, Span<float> second)
        {
            var (gradientScale, rate1, rate2) = (new Vector<float>(GradientScale), new Vector<float>(Rate1), new Vector<float>(Rate2));
            var (rootCorrection, eps) = (new Vector<float>(RootCorrection), new Vector<float>(Eps));
            var (stepSize, decay) = (new Vector<float>(StepSize), new Vector<float>(Decay));
            var ws = MemoryMarshal.Cast<float, Vector<float>>(weights);
            var gs = MemoryMarshal.Cast<float, Vector<float>>(gradients)[..ws.Length];
            var ms = MemoryMarshal.Cast<float, Vector<float>>(first)[..ws.Length];
            var vs = MemoryMarshal.Cast<float, Vector<float>>(second)[..ws.Length];
            for (var i = 0; i < ws.Length; i++)
            {
                var w = ws[i];
                var g = gs[i] * gradientScale;
                var m = Vector.FusedMultiplyAdd(rate1, g - ms[i], ms[i]);
                var v = Vector.FusedMultiplyAdd(rate2, (g * g) - vs[i], vs[i]);
                var direction = m / Vector.FusedMultiplyAdd(Vector.SquareRoot(v), rootCorrection, eps);
                ms[i] = m;
                vs[i] = v;
                ws[i] = w - Vector.FusedMultiplyAdd(stepSize, direction, decay * w);
            }

            for (var i = ws.Length * Vector<float>.Count; i < weights.Length; i++)
            {
                var w = weights[i];
                var g = gradients[i] * GradientScale;
                var m = MathF.FusedMultiplyAdd(Rate1, g - first[i], first[i]);
                var v = MathF.FusedMultiplyAdd(Rate2, (g * g) - second[i], second[i]);
                var direction = m / MathF.FusedMultiplyAdd(MathF.Sqrt(v), RootCorrection, Eps);
                first[i] = m;
                second[i] = v;
                weights[i] = w - MathF.FusedMultiplyAdd(StepSize, direction, Decay * w);
            }
        }
    }
}
