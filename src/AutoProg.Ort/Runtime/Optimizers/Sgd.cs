using System.Numerics;
using System.Runtime.InteropServices;
using AutoProg.Graphs;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>
/// SGD with momentum in PyTorch's form, weight decay added to the gradient: <c>g = g + wd w; b = mu b + g; w = w - lr b</c>;
/// Nesterov (timm's <c>sgd</c>) steps along <c>g + mu b</c> instead of b.
/// </summary>
internal sealed record Sgd : UpdateRule
{
    /// <summary>Checks the settings.</summary>
    /// <param name="weightDecay">wd, not negative.</param>
    /// <param name="momentum">mu in [0, 1).</param>
    /// <param name="nesterov">Whether the step looks ahead.</param>
    /// <exception cref="ArgumentOutOfRangeException">A setting is outside its range.</exception>
    public Sgd(double weightDecay, double momentum = 0.9, bool nesterov = true)
        : base(weightDecay)
    {
        CheckRange(momentum is >= 0 and < 1, nameof(momentum), momentum, "[0, 1)");
        (Momentum, Nesterov) = (momentum, nesterov);
    }

    /// <summary>mu.</summary>
    public double Momentum { get; }

    /// <summary>Whether the step looks ahead.</summary>
    public bool Nesterov { get; }

    /// <inheritdoc />
    public override int MomentCount => 1;

    /// <inheritdoc />
    public override IUpdateKernel At(double learningRate, double gradientScale, bool decayed, long step)
    {
        var scalars = Scalars(learningRate, gradientScale, decayed, step);
        var (scale, rate, mu, decay) = (scalars[0], scalars[1], (float)Momentum, scalars[2]);
        return Nesterov ? new NesterovKernel(scale, rate, mu, decay) : new PlainKernel(scale, rate, mu, decay);
    }

    /// <inheritdoc />
    internal override float[] Scalars(double learningRate, double gradientScale, bool decayed, long step) =>
        [(float)gradientScale, (float)learningRate, decayed ? (float)WeightDecay : 0];

    /// <inheritdoc />
    internal override RangeState Express(GraphBuilder b, RangeState old, Value gradients, IReadOnlyList<Value> scalars)
    {
        var (gradientScale, rate, decay) = (scalars[0], scalars[1], scalars[2]);
        var g = b.Add(b.Mul(gradients, gradientScale), b.Mul(old.Weights, decay));
        var velocity = b.Add(b.Scale(old.First, Momentum), g);
        var direction = Nesterov ? b.Add(b.Scale(velocity, Momentum), g) : velocity;
        return new RangeState(b.Sub(old.Weights, b.Mul(direction, rate)), velocity, null);
    }

    private sealed record PlainKernel(float GradientScale, float Rate, float Mu, float Decay) : IUpdateKernel
    {
        public void Apply(Span<float> weights, ReadOnlySpan<float> gradients, Span<float> first, Span<float> second)
        {
            var (gradientScale, rate) = (new Vector<float>(GradientScale), new Vector<float>(-Rate));
            var (mu, decay) = (new Vector<float>(Mu), new Vector<float>(Decay));
            var ws = MemoryMarshal.Cast<float, Vector<float>>(weights);
            var gs = MemoryMarshal.Cast<float, Vector<float>>(gradients)[..ws.Length];
            var bs = MemoryMarshal.Cast<float, Vector<float>>(first)[..ws.Length];
            for (var i = 0; i < ws.Length; i++)
            {
                var g = Vector.FusedMultiplyAdd(decay, ws[i], gs[i] * gradientScale);
                var b = Vector.FusedMultiplyAdd(mu, bs[i], g);
                bs[i] = b;
                ws[i] = Vector.FusedMultiplyAdd(rate, b, ws[i]);
            }

            for (var i = ws.Length * Vector<float>.Count; i < weights.Length; i++)
            {
                var g = MathF.FusedMultiplyAdd(Decay, weights[i], gradients[i] * GradientScale);
                var b = MathF.FusedMultiplyAdd(Mu, first[i], g);
                first[i] = b;
                weights[i] = MathF.FusedMultiplyAdd(-Rate, b, weights[i]);
            }
        }
    }

    private sealed record NesterovKernel(float GradientScale, float Rate, float Mu, float Decay) : IUpdateKernel
    {
        public void Apply(Span<float> weights, ReadOnlySpan<float> gradients, Span<float> first, Span<float> second)
        {
            var (gradientScale, rate) = (new Vector<float>(GradientScale), new Vector<float>(-Rate));
            var (mu, decay) = (new Vector<float>(Mu), new Vector<float>(Decay));
            var ws = MemoryMarshal.Cast<float, Vector<float>>(weights);
            var gs = MemoryMarshal.Cast<float, Vector<float>>(gradients)[..ws.Length];
            var bs = MemoryMarshal.Cast<float, Vector<float>>(first)[..ws.Length];
            for (var i = 0; i < ws.Length; i++)
            {
                var g = Vector.FusedMultiplyAdd(decay, ws[i], gs[i] * gradientScale);
                var b = Vector.FusedMultiplyAdd(mu, bs[i], g);
                bs[i] = b;
                ws[i] = Vector.FusedMultiplyAdd(rate, Vector.FusedMultiplyAdd(mu, b, g), ws[i]);
            }

            for (var i = ws.Length * Vector<float>.Count; i < weights.Length; i++)
            {
                var g = MathF.FusedMultiplyAdd(Decay, weights[i], gradients[i] * GradientScale);
                var b = MathF.FusedMultiplyAdd(Mu, first[i], g);
                first[i] = b;
                weights[i] = MathF.FusedMultiplyAdd(-Rate, MathF.FusedMultiplyAdd(Mu, b, g), weights[i]);
            }
        }
    }
}
