namespace AutoProg.Ort.Charts;

/// <summary>A picture of a run: resolution and depth, loss, and top-1 per epoch.</summary>
public static class GrowthChart
{
    /// <summary>Draws a run from its metrics.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="output">The picture; null is <c>growth.svg</c> in the run's folder.</param>
    /// <returns>The file that was written.</returns>
    public static string Write(string runFolder, string? output = null) => throw new NotSupportedException("Not there yet.");
}
