using AutoProg.Graphs.Artifacts;

namespace AutoProg.Graphs.Tests.Gradients;

/// <summary>What only frozen parameters would need is not in a training graph.</summary>
public sealed class PruningTests
{
    private const int Blocks = 3;

    [Theory]
    [InlineData("", 3, 0, 0)] // nothing to learn: the forward pass alone
    [InlineData("blocks.2", 3, 1, 0)] // the last block needs its dW, and no dX
    [InlineData("blocks.1", 3, 1, 1)] // dX of block 2
    [InlineData("blocks.0", 3, 1, 2)]
    [InlineData("blocks.0 blocks.2", 3, 2, 2)]
    [InlineData("blocks.0 blocks.1 blocks.2", 3, 3, 2)] // the input's gradient is never needed
    public void A_learnable_set_costs_one_product_per_weight_and_one_per_block_behind_it(string learnable, int forward, int weightGradients, int inputGradients)
    {
        var training = Train(name => learnable.Split(' ').Any(block => block.Length > 0 && name.StartsWith(block, StringComparison.Ordinal)));
        var gemms = training.Graph.Nodes.Where(n => n.Operator == "Gemm").ToList();
        Assert.Equal(forward, gemms.Count(n => !n.Name.StartsWith("grad/", StringComparison.Ordinal)));
        Assert.Equal(weightGradients, gemms.Count(n => n.Name.StartsWith("grad/", StringComparison.Ordinal) && n.Attributes.Flag("transA")));
        Assert.Equal(inputGradients, gemms.Count(n => n.Name.StartsWith("grad/", StringComparison.Ordinal) && !n.Attributes.Flag("transA")));
        Assert.Equal(2 * weightGradients, training.Gradients.Count);
        Assert.Equal(2 * Blocks, training.Graph.Parameters.Count);
    }

    [Fact]
    public void Fewer_learnable_blocks_make_smaller_graphs()
    {
        var nodes = Enumerable.Range(0, Blocks + 1)
            .Select(frozen => Train(name => int.Parse(name.Split('.')[1]) >= frozen).Graph.Nodes.Count).ToArray();

        // 6 nodes and 5 of the loss forward; 5 of the loss backward; per block 3 of Tanh, dW, db and, but for the first learnable one, dX.
        Assert.Equal([11 + 5 + 6 + 6 + 5, 11 + 5 + 6 + 5, 11 + 5 + 5, 11], nodes);
    }

    [Fact]
    public void Biases_alone_need_no_weight_gradient()
    {
        var gemms = Train(name => name.EndsWith("bias", StringComparison.Ordinal)).Graph.Nodes.Where(n => n.Operator == "Gemm");
        Assert.DoesNotContain(gemms, n => n.Attributes.Flag("transA"));
    }

    /// <summary>Three blocks y = tanh(x W^T + b) under a soft-target cross entropy.</summary>
    private static TrainingGraph Train(Func<string, bool> learnable)
    {
        var b = new GraphBuilder();
        var x = b.Input("input", ElementType.Float, [4, 5]);
        var target = b.Input("target", ElementType.Float, [4, 5]);
        for (var i = 0; i < Blocks; i++)
        {
            using var scope = b.Scope($"blocks.{i}");
            x = b.Tanh(b.Gemm(x, b.Parameter("weight", [5, 5]), b.Parameter("bias", [5]), transB: true));
        }

        return TrainingGraph.Create(b, Losses.SoftTargetCrossEntropy(b, x, target), learnable);
    }
}
