using AutoProg.Graphs.Artifacts;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AutoProg.Graphs.Tests.Artifacts;

public sealed class OnnxWriterTests
{
    [Fact]
    public void Equal_graphs_give_equal_bytes() =>
        Assert.Equal(OnnxWriter.Write(Linear(), "linear"), OnnxWriter.Write(Linear(), "linear"));

    [Fact]
    public void ONNX_Runtime_sees_the_declared_interface()
    {
        using var session = new InferenceSession(OnnxWriter.Write(Linear(), "linear"));
        Assert.Equal(["weight", "x"], session.InputMetadata.Keys.Order());
        Assert.Equal([2, 3], session.InputMetadata["x"].Dimensions);
        Assert.Equal(["y"], session.OutputMetadata.Keys);
        Assert.Equal("linear", session.ModelMetadata.GraphName);
        Assert.Equal("AutoProg.Ort", session.ModelMetadata.ProducerName);
    }

    [Fact]
    public void Weights_that_are_stored_are_no_inputs()
    {
        var weight = Tensor.FromFloats([4, 3], [.. Enumerable.Range(0, 12)]);
        using var session = new InferenceSession(OnnxWriter.WriteWithWeights(Linear(), "linear", name => name == "weight" ? weight : throw new KeyNotFoundException(name)));
        Assert.Equal(["x"], session.InputMetadata.Keys);
        Assert.Equal([1, 4, 7, 10, 2, 5, 8, 11], Run(session, ("x", new DenseTensor<float>(new float[] { 0, 1, 0, 0, 0, 1 }, [2, 3])))["y"]);
    }

    [Fact]
    public void A_value_with_two_public_names_is_returned_under_both()
    {
        var b = new GraphBuilder();
        var y = b.Neg(b.Input("x", ElementType.Float, [2]));
        b.Output("first", y);
        b.Output("second", y);
        b.Output("third", b.Exp(b.Scale(y, 0)));
        var results = Run(b.Build());
        Assert.Equal([-1, -2], results["first"]);
        Assert.Equal([-1, -2], results["second"]);
        Assert.Equal([1, 1], results["third"]);
    }

    [Fact]
    public void Inputs_parameters_and_constants_can_be_outputs()
    {
        var b = new GraphBuilder();
        b.Output("same", b.Input("x", ElementType.Float, [2]));
        b.Output("constant", b.Floats([1], [7]));
        var results = Run(b.Build());
        Assert.Equal([1, 2], results["same"]);
        Assert.Equal([7], results["constant"]);
    }

    [Fact]
    public void Operators_of_ONNX_Runtime_declare_their_operator_set()
    {
        var b = new GraphBuilder();
        b.Output("y", b.Gelu(b.Input("x", ElementType.Float, [2])));
        Assert.Equal(0.8413447, Run(b.Build())["y"][0], 1e-6); // float32: 1 Phi(1)
    }

    [Fact]
    public void Optional_inputs_can_be_left_out()
    {
        var b = new GraphBuilder();
        b.Output("y", b.Clip(b.Input("x", ElementType.Float, [2]), null, b.Scalar(1.5f)));
        Assert.Equal([1, 1.5f], Run(b.Build())["y"]);
    }

    [Fact]
    public void Metadata_is_stored()
    {
        var model = OnnxWriter.Write(Linear(), "linear", [new("recipe", "deit_tiny")]);
        using var session = new InferenceSession(model);
        Assert.Equal("deit_tiny", session.ModelMetadata.CustomMetadataMap["recipe"]);
    }

    [Fact]
    public void Weights_beyond_the_size_of_one_file_are_refused_before_they_are_asked_for()
    {
        var b = new GraphBuilder();
        b.Output("y", b.ReduceSum(b.Parameter("w", [1L << 30]), []));
        var error = Assert.Throws<GraphException>(() => OnnxWriter.WriteWithWeights(b.Build(), "large", _ => throw new InvalidOperationException()));
        Assert.Equal("The weights of 'large' take 4294967296 bytes; one ONNX file holds at most 2147483647.", error.Message);
    }

    private static Graph Linear()
    {
        var b = new GraphBuilder();
        b.Output("y", b.Gemm(b.Input("x", ElementType.Float, [2, 3]), b.Parameter("weight", [4, 3]), transB: true));
        return b.Build();
    }

    private static Dictionary<string, float[]> Run(Graph graph)
    {
        using var session = new InferenceSession(OnnxWriter.Write(graph, "test"));
        return Run(session, ("x", new DenseTensor<float>(new float[] { 1, 2 }, [2])));
    }

    private static Dictionary<string, float[]> Run(InferenceSession session, params (string Name, DenseTensor<float> Value)[] feeds)
    {
        using var results = session.Run([.. feeds.Where(f => session.InputMetadata.ContainsKey(f.Name)).Select(f => NamedOnnxValue.CreateFromTensor(f.Name, f.Value))]);
        return results.ToDictionary(r => r.Name, r => r.AsTensor<float>().ToArray(), StringComparer.Ordinal);
    }
}
