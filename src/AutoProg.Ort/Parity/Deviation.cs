namespace AutoProg.Ort.Parity;

/// <summary>How far computed values are from golden ones.</summary>
internal static class Deviation
{
    public const double Wrong = 1;

    public static double OfExact<T>(IReadOnlyList<T> actual, IReadOnlyList<T> expected) => actual.SequenceEqual(expected) ? 0 : Wrong;

    public static double OfExact<T>(IReadOnlyList<IReadOnlyList<T>> actual, IReadOnlyList<IReadOnlyList<T>> expected) =>
        actual.Count == expected.Count && actual.Zip(expected, static (a, e) => a.SequenceEqual(e)).All(static same => same) ? 0 : Wrong;

    /// <summary>Largest difference of two lists, relative to the golden element; absolute where that is 0.</summary>
    public static double OfElements(IReadOnlyList<double> actual, IReadOnlyList<double> expected) =>
        actual.Count == expected.Count ? actual.Zip(expected, OfElement).DefaultIfEmpty(0).Max() : Wrong;

    public static double OfElement(double actual, double expected)
    {
        var error = Math.Abs(actual - expected) / (expected.Equals(0.0) ? 1 : Math.Abs(expected));
        return double.IsFinite(error) ? error : Wrong;
    }

    /// <summary>L2 norm of the difference, relative to the golden tensor's.</summary>
    public static double OfTensor(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        if (actual.Length != expected.Length)
        {
            return Wrong;
        }

        var difference = 0.0;
        for (var i = 0; i < actual.Length; i++)
        {
            var d = (double)actual[i] - expected[i];
            difference += d * d;
        }

        var norm = Norm(expected);
        var error = Math.Sqrt(difference) / (norm > 0 ? norm : 1);
        return double.IsFinite(error) ? error : Wrong;
    }

    /// <summary>L2 norm, summed in double precision.</summary>
    public static double Norm(ReadOnlySpan<float> tensor)
    {
        var sum = 0.0;
        foreach (var element in tensor)
        {
            sum += (double)element * element;
        }

        return Math.Sqrt(sum);
    }
}
