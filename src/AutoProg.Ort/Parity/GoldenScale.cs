namespace AutoProg.Ort.Parity;

/// <summary>Compares tensors that belong together. One that is analytically zero has no size to relate an error to, so it is held to the norm of all of them.</summary>
/// <param name="wholeNorm">L2 norm of all goldens together: what a single one is nothing against, or is not.</param>
internal sealed class GoldenScale(double wholeNorm)
{
    // The goldens come from float64, where an analytical zero is left with about 1e-16 of what cancels in it; float32 leaves about 1e-7.
    private const double ZeroBelow = 1e-12;
    private const double ZeroLimit = 1e-6;

    /// <summary>The scale of some goldens.</summary>
    public static GoldenScale Of(IEnumerable<float[]> goldens)
    {
        var norms = goldens.Select(static golden => Deviation.Norm(golden));
        return new(Math.Sqrt(norms.Sum(static norm => norm * norm)));
    }

    /// <summary>One of them beside its golden.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="actual">What was computed.</param>
    /// <param name="expected">The golden.</param>
    /// <param name="limit">Largest error relative to the golden's norm; a zero has a limit of its own.</param>
    public ParityCase Case(string name, ReadOnlySpan<float> actual, ReadOnlySpan<float> expected, double limit) => Deviation.Norm(expected) < ZeroBelow * wholeNorm
        ? new ParityCase(name, Deviation.Norm(actual) / wholeNorm, ZeroLimit)
        : new ParityCase(name, Deviation.OfTensor(actual, expected), limit);
}
