using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Augmentation;

/// <summary>Lets the distributions of MathNet.Numerics draw from a <see cref="CounterRandom"/>.</summary>
internal sealed class MathNetRandom(CounterRandom random) : Random
{
    private CounterRandom source = random;

    /// <inheritdoc />
    public override double NextDouble() => source.NextDouble();

    /// <inheritdoc />
    protected override double Sample() => source.NextDouble();
}
