using System.Text.Json;
using AutoProg.Graphs.Tests.Evaluation;

namespace AutoProg.Graphs.Tests;

public sealed class ResizeMatrixTests
{
    private static readonly JsonElement[] Goldens = [.. Fixture.Load("resize.json").GetProperty("rows").EnumerateArray()];

    public static TheoryData<int> Rows => [.. Enumerable.Range(0, Goldens.Length)];

    [Theory]
    [MemberData(nameof(Rows))]
    public void Resized_images_equal_PyTorchs(int row)
    {
        var golden = Goldens[row];
        var (size, output) = (golden.GetProperty("input").Longs(), golden.GetProperty("output").Longs());
        var scale = golden.GetProperty("scale") is { ValueKind: JsonValueKind.Array } given ? given.Doubles() : null;
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Double, [1, 2, size[0], size[1]]);
        var mode = Enum.Parse<ResizeMode>(golden.GetProperty("mode").GetString()!);
        b.Output("y", b.Resize2D(x, output[0], output[1], mode, scale?[0], scale?[1]));

        var y = DoubleEvaluator.Run(b.Build(), new Dictionary<string, DoubleTensor> { ["x"] = new(x.Shape, golden.GetProperty("x").Doubles()) })["y"];

        Assert.Equal([1, 2, .. output], y.Shape);
        Assert.All(golden.GetProperty("y").Doubles().Zip(y.Values), pair => Assert.Equal(pair.First, pair.Second, 1e-12)); // both are float64
    }

    [Theory]
    [InlineData(ResizeMode.Linear)]
    [InlineData(ResizeMode.Cubic)]
    public void Resizing_to_the_same_size_is_the_identity(ResizeMode mode) =>
        Assert.Equal([1, 0, 0, 0, 1, 0, 0, 0, 1], ResizeMatrix.Of(3, 3, mode));

    [Theory]
    [InlineData(14, 10, ResizeMode.Cubic)]
    [InlineData(3, 17, ResizeMode.Linear)]
    [InlineData(1, 4, ResizeMode.Cubic)]
    public void Every_row_sums_to_one(int input, int output, ResizeMode mode) =>
        Assert.All(ResizeMatrix.Of(input, output, mode, 1.07 * output / input).Chunk(input), row => Assert.Equal(1, row.Sum(), 1e-14));

    [Theory]
    [InlineData(0, 4, 1.0, "input")]
    [InlineData(4, 0, 1.0, "output")]
    [InlineData(4, 4, 0.0, "scale")]
    [InlineData(4, 4, double.NaN, "scale")]
    public void Sizes_and_ratio_must_be_positive(int input, int output, double scale, string parameter) =>
        Assert.Equal(parameter, Assert.Throws<ArgumentOutOfRangeException>(() => ResizeMatrix.Of(input, output, ResizeMode.Linear, scale)).ParamName);
}
