namespace AutoProg.Graphs.Tests.Evaluation;

/// <summary>Convolutions and pools.</summary>
internal static class WindowFormulas
{
    public static IReadOnlyDictionary<string, Formula> All { get; } = new Dictionary<string, Formula>(StringComparer.Ordinal)
    {
    };
}
