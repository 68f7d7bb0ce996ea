using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.Import;
using static AutoProg.Graphs.Tests.Import.ModelFiles;

namespace AutoProg.Graphs.Tests.Import;

public sealed class OnnxImportTests : IDisposable
{
    private readonly ModelFiles files = new();

    [Fact]
    public void Names_of_initializers_become_those_of_parameters_and_what_is_not_asked_for_a_constant()
    {
        var graph = OnnxImport.Build(files.Open(Dense()), new OnnxImportOptions { IsParameter = static name => name == "w" });

        Assert.Equal(["w"], graph.Builder.Parameters.Select(static p => p.Name));
        Assert.Equal([2, 4], graph.Outputs["y"].Shape);
        Assert.Equal(["xw/MatMul", "h/Relu", "y/Add"], graph.Builder.Nodes.Select(static n => n.Name));
        Assert.Equal([1, 2, 3, 4], graph.Outputs["y"].Producer!.Input(1).Constant!.Doubles());
    }

    [Fact]
    public void The_batch_replaces_what_the_file_says()
    {
        var graph = OnnxImport.Build(files.Open(Dense()), new OnnxImportOptions { Batch = 7 });
        Assert.Equal([7, 4], graph.Outputs["y"].Shape);
    }

    [Fact]
    public void Sizes_that_are_open_must_be_given()
    {
        var model = Dense();
        model.Graph.Input[0] = Info("x", 0, 0);
        var file = files.Open(model);

        var refused = Assert.Throws<OnnxFormatException>(() => OnnxImport.Build(file, new OnnxImportOptions { Batch = 2 }));
        Assert.Equal("input 'x' is [?, ?]; give every size that is open, e.g. --input x=1x3x224x224.", refused.Problem);
        Assert.Equal([5, 4], OnnxImport.Build(file, new OnnxImportOptions { Shapes = Shapes("x", 5, 3) }).Outputs["y"].Shape);
    }

    [Fact]
    public void A_shape_that_contradicts_the_file_is_refused()
    {
        var file = files.Open(Dense());
        var refused = Assert.Throws<OnnxFormatException>(() => OnnxImport.Build(file, new OnnxImportOptions { Shapes = Shapes("x", 2, 4) }));
        Assert.StartsWith("input 'x' is [2, 3], shape [2, 4] is given. Sizes of the export may be written into the model", refused.Problem, StringComparison.Ordinal);
        Assert.Contains("has no input 'z'; it has x", Assert.Throws<ArgumentException>(() => OnnxImport.Build(file, new OnnxImportOptions { Shapes = Shapes("z", 1) })).Message, StringComparison.Ordinal);
        Assert.Contains("has no output 'z'; it has y", Assert.Throws<ArgumentException>(() => OnnxImport.Build(file, new OnnxImportOptions { Outputs = ["z"] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_nodes_that_are_not_supported_are_named_at_once_with_the_way_of_their_gradient()
    {
        var model = Model(
            [Node("MatMul", "xw", "x", "w"), Node("LSTM", "h", "xw"), Node("Loop", "k", "x"), new NodeProto { OpType = "Mix", Domain = "com.example", Name = "mix", Input = { "h", "k" }, Output = { "y" } }],
            [Floats("w", [3, 4], new float[12])]);

        Assert.Equal(
            """
            3 nodes are not supported:
              LSTM (node '/h'): its gradient is needed on the way w -> xw -> h -> y
              Loop (node '/k'): no gradient is needed there
              com.example::Mix (node 'mix'): its gradient is needed on the way w -> xw -> h -> y
            """.ReplaceLineEndings("\n"),
            files.Refusal(model, new OnnxImportOptions { IsParameter = static _ => true }));
    }

    [Fact]
    public void What_only_another_output_needs_is_no_obstacle()
    {
        var model = Dense();
        model.Graph.Node.Add(Node("LSTM", "other", "h"));
        model.Graph.Output.Add(Info("other", 1));

        Assert.Equal([2, 4], OnnxImport.Build(files.Open(model)).Outputs["y"].Shape);
        Assert.Contains("LSTM", files.Refusal(model, new OnnxImportOptions { Outputs = ["y", "other"] }), StringComparison.Ordinal);
    }

    [Fact]
    public void An_omitted_output_and_an_omitted_input_are_not_the_same_value()
    {
        var twoResults = Node("Dropout", "h", "xw");
        twoResults.Output.Add("");
        var model = Model(
            [Node("MatMul", "xw", "x", "w"), twoResults, Node("Clip", "bound", "x", "", "limit"), Node("Add", "y", "h", "bound")],
            [Floats("w", [3, 3], new float[9]), Floats("limit", [], [1])]);

        var behind = new NodeFlow(files.Open(model), ["y"]).Behind(static name => name == "w");

        Assert.Equal(["MatMul", "Dropout", "Add"], behind.Select(static node => node.OpType));
    }

    [Fact]
    public void Operands_that_do_not_fit_name_the_node()
    {
        var model = Dense();
        model.Graph.Initializer[0] = Floats("w", [4, 3], new float[12]);
        Assert.StartsWith("node '/xw' (MatMul): node 'xw/MatMul' (MatMul), inputs Float[2, 3], Float[4, 3]: inner sizes differ: 3 and 4.", files.Refusal(model), StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_tensors_that_were_written_once_learn_apart()
    {
        var model = Model(
            [Node("Identity", "scale2", "scale1"), Node("Mul", "h", "x", "scale1"), Node("Mul", "y", "h", "scale2")],
            [Floats("scale1", [3], [1, 1, 1])]);
        var graph = OnnxImport.Build(files.Open(model), new OnnxImportOptions { IsParameter = static _ => true });

        Assert.Equal(["scale1", "scale2"], graph.Builder.Parameters.Select(static p => p.Name));
    }

    private static Dictionary<string, Shape> Shapes(string name, params long[] dims) => new() { [name] = Shape.Of(dims) };

    public void Dispose() => files.Dispose();
}
