using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Artifacts.Protos;
using Google.Protobuf;

namespace AutoProg.Graphs.OnDevice;

/// <summary>
/// The model that updates parameters in ONNX Runtime's on-device training. It knows no parameter by name: the runtime feeds sequences of all that learn, so one set of
/// settings holds for all of them. The learning rate is an input; it is 0.001 until the runtime is told another one, and no file can tell it.
/// </summary>
public static class OptimizerModel
{
    private const string Gradients = "gradients";
    private const string ClippedGradients = "clipped_gradients";

    /// <summary>AdamW in PyTorch's form: <c>w = w - lr wd w - lr m_hat / (sqrt(v_hat) + eps)</c>.</summary>
    /// <param name="weightDecay">wd, of every parameter.</param>
    /// <param name="beta1">Decay of the mean of the gradient.</param>
    /// <param name="beta2">Decay of the mean of the squared gradient.</param>
    /// <param name="epsilon">Term against division by zero.</param>
    /// <param name="largestNorm">Norm over all gradients to clip to; null does not clip.</param>
    public static byte[] AdamW(double weightDecay, double beta1, double beta2, double epsilon, double? largestNorm)
    {
        var attributes = new Attributes
        {
            { "alpha", (float)beta1 },
            { "beta", (float)beta2 },
            { "epsilon", (float)epsilon },
            { "weight_decay", (float)weightDecay },
            { "adam_mode", 0L }, // PyTorch's; 1 is that of an older library, which decays last and adds epsilon to the uncorrected root
            { "correct_bias", 1L },
        };
        return Write("AdamWOptimizer", ["learning_rate", "step", "params", Gradients, "first_order_moments", "second_order_moments"], attributes, [1], largestNorm);
    }

    /// <summary>Gradient descent without momentum and decay: <c>w = w - lr g</c>.</summary>
    /// <param name="largestNorm">Norm over all gradients to clip to; null does not clip.</param>
    public static byte[] Sgd(double? largestNorm) => Write("SGDOptimizerV2", ["learning_rate", "params", Gradients], Attributes.None, [], largestNorm);

    private static byte[] Write(string op, string[] reads, Attributes attributes, Shape updatedShape, double? largestNorm)
    {
        var graph = new GraphProto { Name = op };
        graph.Input.Add(Tensor("learning_rate", ElementType.Float, [1]));
        graph.Input.Add(Tensor("step", ElementType.Int64, [1]));
        string[] sequences = ["params", Gradients, "first_order_moments", .. reads.Where(static name => name == "second_order_moments")];
        graph.Input.AddRange(sequences.Select(Sequence));
        if (largestNorm is { } norm)
        {
            graph.Node.Add(Node("InplaceClipGradNorm", [Gradients], ClippedGradients, new Attributes { { "max_norm", (float)norm }, { "norm_type", "fro" } }));
        }

        graph.Node.Add(Node(op, [.. reads.Select(name => name == Gradients && largestNorm is not null ? ClippedGradients : name)], "updated", attributes));
        graph.Output.Add(Tensor("updated", ElementType.Bool, updatedShape));
        return OnnxWriter.Frame(graph).ToByteArray();
    }

    private static NodeProto Node(string op, IEnumerable<string> inputs, string output, Attributes attributes)
    {
        var node = new NodeProto { Name = op, OpType = op, Domain = GraphBuilder.MicrosoftDomain, Output = { output } };
        node.Input.AddRange(inputs);
        node.Attribute.AddRange(attributes.Select(static a => OnnxWriter.Attribute(a.Key, a.Value)));
        return node;
    }

    private static ValueInfoProto Tensor(string name, ElementType type, Shape shape)
    {
        var dims = new TensorShapeProto();
        dims.Dim.AddRange(shape.Select(static size => new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = dims } } };
    }

    /// <summary>Tensors of any shape: none is declared.</summary>
    private static ValueInfoProto Sequence(string name) => new()
    {
        Name = name,
        Type = new TypeProto { SequenceType = new TypeProto.Types.Sequence { ElemType = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)ElementType.Float } } } },
    };
}
