namespace AutoProg.Ort.Parity;

/// <summary>How far one tensor, or one row of a table, is from its golden.</summary>
/// <param name="Name">The tensor's name, or the table with the row's index, e.g. <c>layer_maps[12]</c>.</param>
/// <param name="Error">Relative error; 1 for a discrete value that differs, and for one that is not finite.</param>
/// <param name="Limit">Largest error that passes; 0 where the values must be equal.</param>
public sealed record ParityCase(string Name, double Error, double Limit)
{
    /// <summary>True if the error is within the limit.</summary>
    public bool Passed => Error <= Limit;
}

/// <summary>Verdict on one fixture folder.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Passed">True if every case is within its limit.</param>
/// <param name="WorstError">Error of the worst case; among failures if there are any.</param>
/// <param name="WorstTensor">Name of the worst case; null if nothing deviates at all.</param>
/// <param name="Cases">Everything that was compared.</param>
public sealed record ParityResult(string Name, bool Passed, double WorstError, string? WorstTensor, IReadOnlyList<ParityCase> Cases)
{
    /// <summary>Sums up the cases of a folder. Without cases nothing was compared, and the verdict is failure.</summary>
    public static ParityResult From(string name, IReadOnlyList<ParityCase> cases)
    {
        ArgumentNullException.ThrowIfNull(cases);
        var worst = cases.OrderBy(static c => c.Passed).ThenByDescending(static c => c.Error).FirstOrDefault();
        return new(name, worst is { Passed: true }, worst?.Error ?? 0, worst is { Error: > 0 } ? worst.Name : null, cases);
    }
}
