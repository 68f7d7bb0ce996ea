using System.Text.Json;

namespace AutoProg.Graphs.Tests;

/// <summary>Reads goldens.</summary>
internal static class Fixture
{
    public static JsonElement Load(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", name)));
        return document.RootElement.Clone();
    }

    public static double[] Doubles(this JsonElement element) => [.. element.EnumerateArray().Select(v => v.GetDouble())];

    public static long[] Longs(this JsonElement element) => [.. element.EnumerateArray().Select(v => v.GetInt64())];
}
