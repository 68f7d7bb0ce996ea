using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>A forward graph: parameters by name, a batch of images or latents in, logits or predicted noise out.</summary>
/// <param name="Builder">The graph, still open: a loss and gradients may be added.</param>
/// <param name="Parameters">The parameters it declares, in graph order.</param>
/// <param name="Input">[batch, channels, r, r].</param>
/// <param name="Output">A classifier: [batch, classes]. A diffusion model: [batch, channels, r, r], twice the channels if it learns the variance.</param>
/// <param name="Features">[batch, width]: what a classifier's head is applied to; null if there is no such vector.</param>
public record ModelGraph(GraphBuilder Builder, IReadOnlyList<Parameter> Parameters, Value Input, Value Output, Value? Features = null)
{
    /// <summary>In training mode, buffer name to what the batch says about it, in its shape; empty in evaluation mode.</summary>
    public IReadOnlyDictionary<string, Value> Statistics { get; init; } = new Dictionary<string, Value>(StringComparer.Ordinal);

    /// <summary>Name of a classifier's image input.</summary>
    public const string ImageInput = "image";

    /// <summary>Name of the stochastic-depth input.</summary>
    public const string DropPathInput = "drop_path";

    /// <summary>Name of a classifier's output.</summary>
    public const string LogitsOutput = "logits";

    /// <summary>Name of the output that exported classifiers give beside the logits.</summary>
    public const string FeaturesOutput = "features";
}
