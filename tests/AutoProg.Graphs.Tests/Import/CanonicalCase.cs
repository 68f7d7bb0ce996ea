using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.Import;
using AutoProg.Graphs.Tests.Evaluation;
using AutoProg.Graphs.Tests.Gradients;
using Google.Protobuf;

namespace AutoProg.Graphs.Tests.Import;

/// <summary>A node of a model file: run by ONNX Runtime as it is, and in the form in which it joins a graph.</summary>
/// <param name="Operator">The operator.</param>
/// <param name="Opset">The opset of the file.</param>
/// <param name="Inputs">Shapes of inputs (Float, standard normal) or known tensors; null is an input left out.</param>
internal sealed record CanonicalCase(string Operator, int Opset, params object?[] Inputs)
{
    public Attributes Attributes { get; init; } = [];

    /// <summary>The operator's set: ai.onnx, or ONNX Runtime's own.</summary>
    public string Domain { get; init; } = "";

    /// <summary>How many outputs the file lists.</summary>
    public int Outputs { get; init; } = 1;

    /// <summary>How many of the outputs are compared; the others exist in one of the two forms only.</summary>
    public int Compared { get; init; } = 1;

    /// <summary>Tells apart cases of equal operator and opset.</summary>
    public string Note { get; init; } = "";

    public string Name => $"{Domain}{(Domain.Length == 0 ? "" : "::")}{Operator} {Opset}{(Note.Length == 0 ? "" : " ")}{Note}";

    /// <summary>In the form in which it joins a graph, an output <c>y0</c>, <c>y1</c>, ... for each compared output.</summary>
    public Graph Canonical() => Built().Graph;

    /// <summary>The model file with the node as it is; the outputs have the types and shapes of the canonical form.</summary>
    public byte[] File()
    {
        var (graph, foreign, results) = Built();
        var node = new Node("node", Operator, Domain, foreign.Inputs, Attributes);
        node.Outputs = [.. Enumerable.Range(0, Outputs).Select(i => new Value(
            ValueKind.Result, $"file:{i}", i < results.Count ? results[i].Type : ElementType.Float, i < results.Count ? results[i].Shape : Shape.Scalar) { Producer = node })];
        var outputs = Enumerable.Range(0, Compared).Select(i => new GraphOutput($"y{i}", node.Outputs[i]));
        var model = ModelProto.Parser.ParseFrom(OnnxWriter.Write(new Graph(graph.Inputs, [], [node], [.. outputs]), "case"));
        model.IrVersion = 10;
        model.OpsetImport.Single(o => o.Domain.Length == 0).Version = Opset;
        return model.ToByteArray();
    }

    public Dictionary<string, DoubleTensor> Feeds()
    {
        var random = new Random(7);
        return Inputs.Select((input, i) => (Name: $"x{i}", Shape: input as Shape)).Where(x => x.Shape is not null)
            .ToDictionary(x => x.Name, x => DoubleTensor.From(x.Shape!, _ => GradientRow.Gaussian(random)), StringComparer.Ordinal);
    }

    private (Graph Graph, ForeignNode Node, IReadOnlyList<Value> Results) Built()
    {
        var b = new GraphBuilder(CanonicalOperators.ComputableElements);
        var inputs = Inputs.Select((input, i) => input switch
        {
            null => null,
            Tensor tensor => b.Constant(tensor),
            _ => b.Input($"x{i}", ElementType.Float, (Shape)input),
        }).ToList();
        var node = new ForeignNode("node", Operator, Domain, Opset, inputs, Attributes, Outputs);
        var results = CanonicalOperators.Add(b, node);
        for (var i = 0; i < Compared; i++)
        {
            b.Output($"y{i}", results[i]);
        }

        return (b.Build(), node, results);
    }
}
