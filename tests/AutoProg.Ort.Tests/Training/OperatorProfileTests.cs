using AutoProg.Ort.Tests.Data;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class OperatorProfileTests
{
    [Theory]
    [InlineData("Gemm", "[5, 3]", true)]
    [InlineData("FusedConv", "[6, 4, 3, 3]", true)]
    [InlineData("Conv", "[6, 4, 1, 1]", true)]
    [InlineData("Conv", "[6, 1, 1, 1]", false)]
    [InlineData("FusedConv", "[6, 1, 1, 1]", false)]
    [InlineData("Relu", "[6, 1, 1, 1]", false)]
    public void Products_of_matrices_are_told_from_factors_per_channel(string op, string second, bool expected)
    {
        const string run = """[{"cat": "Node", "name": "a/b_kernel_time", "dur": 3000, "args": {"op_name": "OP", "input_type_shape": [{"float": [2, 6]}, {"float": SHAPE}]}}]""";
        var node = Assert.Single(Read(run.Replace("OP", op, StringComparison.Ordinal).Replace("SHAPE", second, StringComparison.Ordinal), skip: 0));
        Assert.Equal(new NodeTime("a/b", op, 3, expected), node);
    }

    [Fact]
    public void Times_are_per_step_without_those_that_are_skipped()
    {
        const string run = """{"cat": "Node", "name": "n_kernel_time", "args": {"op_name": "Conv"}, "dur": """;
        var node = Assert.Single(Read($"[{run}900000}}, {run}1000}}, {run}3000}}, {{\"cat\": \"Session\", \"name\": \"model_run\", \"dur\": 5}}]", skip: 1));
        Assert.Equal(2, node.Milliseconds);
    }

    private static IReadOnlyList<NodeTime> Read(string profile, int skip)
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "profile.json");
        File.WriteAllText(file, profile);
        return OperatorProfile.Read(file, skip, runsPerStep: 1);
    }
}
