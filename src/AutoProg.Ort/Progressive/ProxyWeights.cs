using AutoProg.Models;

namespace AutoProg.Ort.Progressive;

/// <summary>Which parameters the zero-shot proxies look at; a level counts those of them that it makes learnable.</summary>
public static class ProxyWeights
{
    /// <summary>What the reference implementations call a table of embeddings, e.g. <c>y_embedder.embedding_table.weight</c>.</summary>
    private const string EmbeddingTable = "embedding_table";

    /// <summary>The tangent kernel counts everything whose name contains <c>weight</c>, as the authors' code does: tables of embeddings and scales of norms, too, but neither biases nor running statistics.</summary>
    public static bool CountsForTangentKernel(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return !parameter.IsBuffer && parameter.Name.Contains("weight", StringComparison.Ordinal);
    }

    /// <summary>ZiCo counts the weights of linear layers and convolutions: neither tables of embeddings nor norms.</summary>
    public static bool CountsForZiCo(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        var parts = parameter.Name.Split('.');
        return !parameter.IsBuffer && parts[^1] == "weight" && parameter.Shape.Rank > 1 && !parts.Contains(EmbeddingTable);
    }
}
