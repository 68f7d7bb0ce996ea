using AutoProg.Graphs.Artifacts;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Graphs.Tests.Artifacts;

public sealed class DynamicBatchTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(9)]
    public void Reshapes_and_expanded_tokens_follow_the_batch_of_the_input(int batch)
    {
        var result = DynamicBatch.Of(Tokens);
        Assert.Null(result.Obstacle);
        Assert.Equal([("x", 0), ("y", 0)], result.BatchAxes.Select(static a => (a.Key, a.Value)));
        var x = Enumerable.Range(0, batch * 6).Select(static i => (float)Math.Sin(i)).ToArray();
        Assert.Equal(Run(OnnxWriter.WriteWithWeights(Tokens(batch), "fixed", Weight), x, batch), Run(OnnxWriter.WriteWithWeights(result.Graph!, "any", Weight, null, result.BatchAxes), x, batch));
    }

    [Fact]
    public void A_slice_that_depends_on_the_batch_is_an_obstacle_that_is_named()
    {
        var result = DynamicBatch.Of(static batch =>
        {
            var b = new GraphBuilder();
            b.Output("y", b.Slice(b.Input("x", ElementType.Float, [batch, 4]), 0, 0, batch - 1));
            return b.Build();
        });
        Assert.Null(result.Graph);
        Assert.Contains("'y' has shape [4, 4] at batch 5 and [6, 4] at batch 7", result.Obstacle, StringComparison.Ordinal);
    }

    [Fact]
    public void A_constant_that_depends_on_the_batch_is_an_obstacle_that_is_named()
    {
        var result = DynamicBatch.Of(static batch =>
        {
            var b = new GraphBuilder();
            b.Output("y", b.Scale(b.Input("x", ElementType.Float, [batch, 4]), 1.0 / batch));
            return b.Build();
        });
        Assert.Equal("input 1 of node 'Mul' (Mul) is another constant at another batch size", result.Obstacle);
    }

    [Fact]
    public void A_reshape_that_moves_the_batch_into_two_axes_is_an_obstacle()
    {
        var result = DynamicBatch.Of(static batch =>
        {
            var b = new GraphBuilder();
            var x = b.Input("x", ElementType.Float, [batch, 4]);
            var square = b.Reshape(b.FusedMatMul(x, x, transB: true), [1, batch, batch]);
            b.Output("y", b.Add(b.ReduceSum(square, [0, 1, 2]), b.ReduceSum(x, [0, 1])));
            return b.Build();
        });
        Assert.Contains("input 1 of node 'Reshape' (Reshape) is [1, 5, 5] at batch 5 and [1, 7, 7] at batch 7", result.Obstacle, StringComparison.Ordinal);
    }

    [Fact]
    public void A_graph_without_a_batch_axis_is_told()
    {
        var result = DynamicBatch.Of(static _ =>
        {
            var b = new GraphBuilder();
            b.Output("y", b.Neg(b.Input("x", ElementType.Float, [3])));
            return b.Build();
        });
        Assert.Equal("no input has a batch axis", result.Obstacle);
    }

    /// <summary>A class token in front of two tokens per image, as in a transformer.</summary>
    private static Graph Tokens(int batch)
    {
        var b = new GraphBuilder();
        var tokens = b.Reshape(b.Input("x", ElementType.Float, [batch, 6]), [batch, 2, 3]);
        var all = b.Concat(1, b.Expand(b.Parameter("token", [1, 1, 3]), [batch, 1, 3]), tokens);
        b.Output("y", b.Reshape(b.Gemm(b.Reshape(all, [batch * 3, 3]), b.Parameter("weight", [3, 3])), [batch, 9]));
        return b.Build();
    }

    private static Tensor Weight(string name) => name == "token" ? Tensor.FromFloats([1, 1, 3], [1, 2, 3]) : Tensor.FromFloats([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 10]);

    private static float[] Run(byte[] model, float[] x, int batch)
    {
        using var session = new InferenceSession(model);
        using var options = new RunOptions();
        using var input = OrtValue.CreateTensorValueFromMemory(x, [batch, 6]);
        using var outputs = session.Run(options, ["x"], [input], ["y"]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
