using AutoProg.Models;

namespace AutoProg.Ort.Parity;

/// <summary>A fixture's <c>model.json</c>, which may come from anywhere: what it says is bounded before a model is made of it.</summary>
/// <param name="folder">The fixture's folder.</param>
internal sealed class ModelFixture(string folder)
{
    // Larger than any published ViT; keeps a malformed file from costing memory.
    private const int LargestSize = 16_384;
    private const int LargestDepth = 256;
    private const int LargestBatch = 4096;
    private const long MostParameters = 1L << 29;

    private readonly string path = Path.Combine(folder, FixtureFamily.File);

    /// <exception cref="FixtureException">What was found does not hold.</exception>
    public void Expect(bool holds, string place, object? found, string expected)
    {
        if (!holds)
        {
            throw new FixtureException($"{path}: {place} is {found ?? "null"}, expected {expected}.");
        }
    }

    public void ExpectSizes(params ReadOnlySpan<(string Name, int Size)> sizes)
    {
        foreach (var (name, size) in sizes)
        {
            Expect(size is >= 1 and <= LargestSize, $"config.{name}", size, $"1 to {LargestSize}");
        }
    }

    public void ExpectScale(int depth, int batch, double mlpRatio)
    {
        Expect(depth is >= 1 and <= LargestDepth, "config.depth", depth, $"1 to {LargestDepth}");
        Expect(batch is >= 1 and <= LargestBatch, "batch", batch, $"1 to {LargestBatch}");
        Expect(mlpRatio is > 0 and <= 64, "config.mlp_ratio", mlpRatio, "above 0, at most 64");
    }

    /// <summary>The model, unless its sizes do not fit each other or make too much of it.</summary>
    public T Create<T>(Func<T> create)
        where T : IElasticModel
    {
        try
        {
            var model = create();
            var parameters = model.CountParameters();
            Expect(parameters <= MostParameters, "config", $"a model of {parameters} parameters", $"at most {MostParameters}");
            return model;
        }
        catch (ArgumentException refused)
        {
            throw new FixtureException($"{path}: config: {refused.Message}", refused);
        }
    }
}
