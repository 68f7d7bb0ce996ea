using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>A forward graph: parameters by name, an image batch in, logits out.</summary>
/// <param name="Builder">The graph, still open: a loss and gradients may be added.</param>
/// <param name="Image">Input <c>image</c> [batch, channels, r, r].</param>
/// <param name="Logits">Output <c>logits</c> [batch, classes].</param>
public sealed record ModelGraph(GraphBuilder Builder, Value Image, Value Logits);
