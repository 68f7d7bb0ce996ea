using System.Security.Cryptography;
using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.Artifacts;

/// <summary>A graph that returns the loss and the gradients of its learnable parameters, with the interface that a runtime binds to.</summary>
/// <param name="Graph">Forward and backward; parameters are inputs of the model file.</param>
/// <param name="Loss">Name of the scalar output that is differentiated.</param>
/// <param name="Gradients">Parameter name to output name, learnable parameters only, in the graph's parameter order.</param>
public sealed record TrainingGraph(Graph Graph, string Loss, IReadOnlyDictionary<string, string> Gradients)
{
    /// <summary>Suffix of a gradient's output name.</summary>
    public const string GradientSuffix = "_grad";

    /// <summary>Differentiates a loss and closes the graph.</summary>
    /// <param name="builder">A forward graph with its loss.</param>
    /// <param name="loss">A scalar.</param>
    /// <param name="learnable">Which parameters get a gradient; what only the others need is not in the graph.</param>
    /// <param name="moreOutputs">Further results, e.g. the logits.</param>
    /// <exception cref="GraphException">See <see cref="Differentiator.AddGradients"/>.</exception>
    public static TrainingGraph Create(GraphBuilder builder, Value loss, Func<string, bool> learnable, params IReadOnlyCollection<GraphOutput> moreOutputs)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentNullException.ThrowIfNull(moreOutputs);
        var targets = builder.Parameters.Where(p => learnable(p.Name)).ToList();
        var gradients = Differentiator.AddGradients(builder, loss, targets);
        builder.Output("loss", loss);
        foreach (var (name, value) in moreOutputs)
        {
            builder.Output(name, value);
        }

        foreach (var target in targets)
        {
            builder.Output(target.Name + GradientSuffix, gradients[target]);
        }

        return new TrainingGraph(Pass.Standard(builder.Build()), "loss", targets.ToDictionary(t => t.Name, t => t.Name + GradientSuffix, StringComparer.Ordinal));
    }

    /// <summary>The model file, and a manifest that describes it.</summary>
    /// <param name="name">E.g. <c>deit_small-r224-l12-b8</c>.</param>
    public (byte[] Model, TrainingManifest Manifest) Write(string name)
    {
        var model = OnnxWriter.Write(Graph, name);
        return (model, new TrainingManifest
        {
            Name = name,
            Opset = GraphBuilder.Opset,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(model)),
            Loss = Loss,
            Inputs = [.. Graph.Inputs.Select(Describe)],
            Parameters = [.. Graph.Parameters.Select(Describe)],
            Outputs = [.. Graph.Outputs.Select(o => new TensorEntry(o.Name, o.Value.Type.ToString(), o.Value.Shape.ToArray()))],
            Gradients = Gradients,
        });
    }

    private static TensorEntry Describe(Value value) => new(value.Name, value.Type.ToString(), value.Shape.ToArray());
}

/// <summary>Describes a training graph's file; stored beside it as JSON.</summary>
public sealed record TrainingManifest
{
    /// <summary>Name of the graph.</summary>
    public required string Name { get; init; }

    /// <summary>Version of ai.onnx.</summary>
    public required int Opset { get; init; }

    /// <summary>SHA-256 of the model file, hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Output that holds the loss.</summary>
    public required string Loss { get; init; }

    /// <summary>What is fed at every run.</summary>
    public required IReadOnlyList<TensorEntry> Inputs { get; init; }

    /// <summary>What is bound to weights, frozen ones included.</summary>
    public required IReadOnlyList<TensorEntry> Parameters { get; init; }

    /// <summary>Everything that is returned.</summary>
    public required IReadOnlyList<TensorEntry> Outputs { get; init; }

    /// <summary>Parameter to output, for learnable parameters.</summary>
    public required IReadOnlyDictionary<string, string> Gradients { get; init; }
}

/// <summary>A tensor of a graph's interface.</summary>
/// <param name="Name">Name in the model file.</param>
/// <param name="Type">Element type, as <see cref="ElementType"/> spells it.</param>
/// <param name="Shape">Static shape.</param>
public sealed record TensorEntry(string Name, string Type, IReadOnlyList<long> Shape);
