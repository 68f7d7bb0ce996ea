using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.OnDevice;

namespace AutoProg.Graphs.Tests.OnDevice;

public sealed class OptimizerModelTests
{
    [Fact]
    public void AdamW_has_the_signature_that_the_runtime_checks()
    {
        var graph = Parse(OptimizerModel.AdamW(0.05, 0.9, 0.95, 1e-8, largestNorm: null));

        Assert.Equal(["learning_rate", "step", "params", "gradients", "first_order_moments", "second_order_moments"], graph.Input.Select(static i => i.Name));
        Assert.Equal([ElementType.Float, ElementType.Int64], graph.Input.Take(2).Select(static i => (ElementType)i.Type.TensorType.ElemType));
        Assert.All(graph.Input.Skip(2), static i => Assert.Equal((int)ElementType.Float, i.Type.SequenceType.ElemType.TensorType.ElemType));
        Assert.All(graph.Input.Skip(2), static i => Assert.Null(i.Type.SequenceType.ElemType.TensorType.Shape));
        Assert.Equal(ElementType.Bool, (ElementType)Assert.Single(graph.Output).Type.TensorType.ElemType);
    }

    [Fact]
    public void AdamW_is_PyTorch_s()
    {
        var node = Assert.Single(Parse(OptimizerModel.AdamW(0.05, 0.9, 0.95, 1e-8, largestNorm: null)).Node);

        Assert.Equal(("AdamWOptimizer", GraphBuilder.MicrosoftDomain), (node.OpType, node.Domain));
        Assert.Equal(
            new Dictionary<string, double> { ["adam_mode"] = 0, ["alpha"] = 0.9f, ["beta"] = 0.95f, ["correct_bias"] = 1, ["epsilon"] = 1e-8f, ["weight_decay"] = 0.05f },
            node.Attribute.ToDictionary(static a => a.Name, static a => a.Type == AttributeProto.Types.AttributeType.Int ? a.I : (double)a.F));
    }

    [Fact]
    public void Clipping_stands_between_the_gradients_and_the_update()
    {
        var graph = Parse(OptimizerModel.AdamW(0, 0.9, 0.999, 1e-8, largestNorm: 0.5));

        Assert.Equal(("InplaceClipGradNorm", "gradients", 0.5f), (graph.Node[0].OpType, graph.Node[0].Input[0], graph.Node[0].Attribute.Single(static a => a.Name == "max_norm").F));
        Assert.Equal(["learning_rate", "step", "params", graph.Node[0].Output[0], "first_order_moments", "second_order_moments"], graph.Node[1].Input);
    }

    [Fact]
    public void Gradient_descent_takes_inputs_that_it_does_not_read()
    {
        var graph = Parse(OptimizerModel.Sgd(largestNorm: null));

        Assert.Equal(["learning_rate", "step", "params", "gradients", "first_order_moments"], graph.Input.Select(static i => i.Name));
        Assert.Equal(["learning_rate", "params", "gradients"], Assert.Single(graph.Node).Input);
        Assert.Empty(graph.Output[0].Type.TensorType.Shape.Dim);
    }

    [Fact]
    public void Versions_are_those_that_release_1_19_reads()
    {
        var model = ModelProto.Parser.ParseFrom(OptimizerModel.Sgd(largestNorm: 1));

        Assert.InRange(model.IrVersion, 3, 10);
        Assert.Equal(new Dictionary<string, long> { [""] = 18, [GraphBuilder.MicrosoftDomain] = 1 }, model.OpsetImport.ToDictionary(static o => o.Domain, static o => o.Version));
    }

    private static GraphProto Parse(byte[] model) => ModelProto.Parser.ParseFrom(model).Graph;
}
