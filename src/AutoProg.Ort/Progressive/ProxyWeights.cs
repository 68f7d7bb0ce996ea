using AutoProg.Models;

namespace AutoProg.Ort.Progressive;

/// <summary>Which parameters the zero-shot proxies look at; a level counts those of them that it makes learnable.</summary>
internal static class ProxyWeights
{
    /// <summary>What the reference implementations call a table of embeddings, e.g. <c>y_embedder.embedding_table.weight</c>.</summary>
    private const string EmbeddingTable = "embedding_table";

    /// <summary>
    /// The tangent kernel counts everything whose name contains <c>weight</c>, as the authors' code does: tables of embeddings and scales of norms, too, but neither biases nor running
    /// statistics. Names in model files may be anything, so of these it counts what has more than one axis.
    /// </summary>
    public static bool CountsForTangentKernel(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return !parameter.IsBuffer && (IsOfFile(parameter) ? parameter.Shape.Rank > 1 : parameter.Name.Contains("weight", StringComparison.Ordinal));
    }

    /// <summary>ZiCo counts the weights of linear layers and convolutions: neither tables of embeddings nor norms. Of a model file it counts what has more than one axis.</summary>
    public static bool CountsForZiCo(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        var parts = parameter.Name.Split('.');
        return !parameter.IsBuffer && parameter.Shape.Rank > 1 && (IsOfFile(parameter) || (parts[^1] == "weight" && !parts.Contains(EmbeddingTable)));
    }

    private static bool IsOfFile(Parameter parameter) => parameter.Initializer is Initializer.Stored;
}
