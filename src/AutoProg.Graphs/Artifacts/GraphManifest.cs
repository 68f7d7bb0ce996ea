using System.Security.Cryptography;

namespace AutoProg.Graphs.Artifacts;

/// <summary>Describes a graph's file; stored beside it as JSON.</summary>
public sealed record GraphManifest
{
    /// <summary>Name of the graph.</summary>
    public required string Name { get; init; }

    /// <summary>Version of ai.onnx.</summary>
    public required int Opset { get; init; }

    /// <summary>SHA-256 of the model file, hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Output that holds the loss; null for a forward graph.</summary>
    public string? Loss { get; init; }

    /// <summary>What is fed at every run.</summary>
    public required IReadOnlyList<TensorEntry> Inputs { get; init; }

    /// <summary>What is bound to weights, frozen ones included.</summary>
    public required IReadOnlyList<TensorEntry> Parameters { get; init; }

    /// <summary>Everything that is returned.</summary>
    public required IReadOnlyList<TensorEntry> Outputs { get; init; }

    /// <summary>Parameter to output, for learnable parameters; empty for a forward graph.</summary>
    public IReadOnlyDictionary<string, string> Gradients { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Buffer to output, for running statistics that the graph tells the batch's values of; empty for a forward graph.</summary>
    public IReadOnlyDictionary<string, string> Statistics { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Describes a graph and its file.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">E.g. <c>deit_small-r224-l12-b8</c>.</param>
    /// <param name="model">Its model file.</param>
    public static GraphManifest Of(Graph graph, string name, ReadOnlySpan<byte> model)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return new GraphManifest
        {
            Name = name,
            Opset = GraphBuilder.Opset,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(model)),
            Inputs = [.. graph.Inputs.Select(v => Describe(v.Name, v))],
            Parameters = [.. graph.Parameters.Select(v => Describe(v.Name, v))],
            Outputs = [.. graph.Outputs.Select(o => Describe(o.Name, o.Value))],
        };
    }

    private static TensorEntry Describe(string name, Value value) => new(name, value.Type.ToString(), value.Shape.ToArray());
}

/// <summary>A tensor of a graph's interface.</summary>
/// <param name="Name">Name in the model file.</param>
/// <param name="Type">Element type, as <see cref="ElementType"/> spells it.</param>
/// <param name="Shape">Static shape.</param>
public sealed record TensorEntry(string Name, string Type, IReadOnlyList<long> Shape);
