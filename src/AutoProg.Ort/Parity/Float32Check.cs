namespace AutoProg.Ort.Parity;

/// <summary>How far the reference's own float32 run is from the goldens, relative, in the L2 norm of the worst tensor; null where it was not measured.</summary>
internal sealed record Float32Check(double? WorstValueRel = null, double? WorstGradRel = null)
{
    /// <summary>Largest relative error of what is computed in a few float32 operations.</summary>
    public const double TightestLimit = 1e-6;

    // The fixtures' general limit: correct float32 stays below 4e-5, a wrong epsilon or GELU shows from 2e-4 on.
    private const double GeneralLimit = 1e-4;

    // Another order of summation deviates as much as the reference's own float32 run, give or take a small factor; ten times that is still so tight
    // that 92 of 100 changes of a single weight of a DeiT by 1% are noticed (with the general limit 60).
    private const double Margin = 10;

    /// <summary>For a fixture that does not say.</summary>
    public static Float32Check Unknown { get; } = new();

    /// <summary>Largest relative error of an output.</summary>
    public double OutputLimit => Limit(WorstValueRel);

    /// <summary>Largest relative error of a gradient.</summary>
    public double GradientLimit => Limit(WorstGradRel);

    private static double Limit(double? deviation) => deviation is { } known ? Math.Clamp(Margin * known, TightestLimit, GeneralLimit) : GeneralLimit;
}
