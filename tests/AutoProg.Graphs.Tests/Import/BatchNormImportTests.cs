using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.Import;
using static AutoProg.Graphs.Tests.Import.ModelFiles;
using AttributeType = AutoProg.Graphs.Artifacts.Protos.AttributeProto.Types.AttributeType;

namespace AutoProg.Graphs.Tests.Import;

public sealed class BatchNormImportTests : IDisposable
{
    private readonly ModelFiles files = new();

    [Fact]
    public void Running_statistics_never_learn_and_are_constants_in_evaluation_mode()
    {
        var graph = OnnxImport.Build(files.Open(Normalizing()), new OnnxImportOptions { IsParameter = static _ => true });
        Assert.Equal(["scale", "bias"], graph.Builder.Parameters.Select(static p => p.Name));
        Assert.Empty(graph.Statistics);
    }

    [Fact]
    public void In_training_mode_the_graph_tells_what_the_batch_says_of_them_and_does_not_read_them()
    {
        var graph = OnnxImport.Build(files.Open(Normalizing()), new OnnxImportOptions { IsParameter = static _ => true, BatchNorm = BatchNormMode.Train });
        Assert.Equal(["scale", "bias"], graph.Builder.Parameters.Select(static p => p.Name));
        Assert.Equal([("mean", 0.25), ("variance", 0.25)], graph.Statistics.Select(static s => (s.Buffer, s.Momentum)));
    }

    [Fact]
    public void The_graph_that_evaluates_what_is_trained_in_training_mode_reads_them_as_parameters()
    {
        var graph = OnnxImport.Build(files.Open(Normalizing()), new OnnxImportOptions { BatchNorm = BatchNormMode.Train, Training = false });
        Assert.Equal(["mean", "variance"], graph.Builder.Parameters.Select(static p => p.Name));
        Assert.Empty(graph.Statistics);
    }

    [Theory]
    [InlineData(BatchNormMode.File, 2)]
    [InlineData(BatchNormMode.Eval, 0)]
    public void Without_another_wish_the_file_decides(BatchNormMode mode, int statistics)
    {
        var model = Normalizing();
        model.Graph.Node[0].Attribute.Add(new AttributeProto { Name = "training_mode", Type = AttributeType.Int, I = 1 });
        Assert.Equal(statistics, OnnxImport.Build(files.Open(model), new OnnxImportOptions { BatchNorm = mode }).Statistics.Count);
    }

    [Fact]
    public void A_single_element_per_channel_cannot_be_normalised_by_its_batch() =>
        Assert.Contains(
            "1 elements per channel cannot be normalised in training mode, shape [1, 3]; use a larger batch, or the evaluation mode.",
            files.Refusal(Normalizing(), new OnnxImportOptions { Batch = 1, BatchNorm = BatchNormMode.Train }), StringComparison.Ordinal);

    [Fact]
    public void Statistics_that_two_nodes_share_cannot_follow_both()
    {
        var model = Normalizing();
        model.Graph.Node[0].Output[0] = "h";
        model.Graph.Node.Add(Node("BatchNormalization", "y", "h", "scale", "bias", "mean", "variance"));
        Assert.Contains(
            "the running statistic 'mean' belongs to another node, too",
            files.Refusal(model, new OnnxImportOptions { BatchNorm = BatchNormMode.Train }), StringComparison.Ordinal);
        Assert.Empty(OnnxImport.Build(files.Open(model), new OnnxImportOptions { BatchNorm = BatchNormMode.Eval }).Statistics);
    }

    [Fact]
    public void Statistics_that_are_computed_cannot_follow()
    {
        var model = Normalizing();
        model.Graph.Node.Insert(0, Node("Neg", "mean2", "mean"));
        model.Graph.Node[1].Input[3] = "mean2";
        Assert.Contains(
            "its running statistic 'mean2' is no stored Float tensor; use the evaluation mode.",
            files.Refusal(model, new OnnxImportOptions { BatchNorm = BatchNormMode.Train }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_statistic_of_other_channels_is_refused(bool training)
    {
        var model = Normalizing();
        model.Graph.Initializer[2] = Floats("mean", [5], [1, 1, 1, 1, 1]);
        Assert.Contains(
            "its running statistic 'mean' has shape [5]; a number per channel of [2, 3] is needed.",
            files.Refusal(model, new OnnxImportOptions { BatchNorm = BatchNormMode.Train, Training = training }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1.5f, "1.5")]
    [InlineData(float.NaN, "NaN")]
    public void A_momentum_that_is_no_share_is_refused(float momentum, string shown)
    {
        var model = Normalizing();
        model.Graph.Node[0].Attribute[0].F = momentum;
        Assert.Contains($"its momentum {shown} is outside of [0, 1].", files.Refusal(model, new OnnxImportOptions { BatchNorm = BatchNormMode.Train }), StringComparison.Ordinal);
    }

    [Fact]
    public void Statistics_of_the_batch_are_no_output_of_their_own()
    {
        var model = Normalizing();
        model.Graph.Node[0].Output.Add(["mean2", "variance2"]);
        model.Graph.Output.Add(Info("mean2", 3));
        Assert.Equal(
            "output 'mean2' is a second result of its node, which is not supported; ask for another one.",
            files.Refusal(model, new OnnxImportOptions { Outputs = ["mean2"], BatchNorm = BatchNormMode.Train }));
    }

    public void Dispose() => files.Dispose();

    /// <summary>x [2, 3]; ONNX's momentum of 0.75 is a share of 0.25 for the newest batch.</summary>
    private static ModelProto Normalizing()
    {
        var node = Node("BatchNormalization", "y", "x", "scale", "bias", "mean", "variance");
        node.Attribute.Add(new AttributeProto { Name = "momentum", Type = AttributeType.Float, F = 0.75f });
        return Model([node], [.. new[] { "scale", "bias", "mean", "variance" }.Select(static name => Floats(name, [3], [1, 1, 1]))]);
    }
}
