using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>A forward graph: parameters by name, an image batch in, logits out.</summary>
/// <param name="Builder">The graph, still open: a loss and gradients may be added.</param>
/// <param name="Parameters">The parameters it declares, in graph order.</param>
/// <param name="Image">Input <c>image</c> [batch, channels, r, r].</param>
/// <param name="Logits">[batch, classes].</param>
public sealed record ModelGraph(GraphBuilder Builder, IReadOnlyList<Parameter> Parameters, Value Image, Value Logits)
{
    /// <summary>Name of the image input.</summary>
    public const string ImageInput = "image";

    /// <summary>Name of the stochastic-depth input.</summary>
    public const string DropPathInput = "drop_path";

    /// <summary>Name of the logits output.</summary>
    public const string LogitsOutput = "logits";
}
