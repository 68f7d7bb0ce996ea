namespace AutoProg.Graphs;

/// <summary>A finished graph: nodes in an order in which they can run.</summary>
/// <param name="Inputs">Values fed at every run, in order.</param>
/// <param name="Parameters">Values bound to memory that outlives runs, in order.</param>
/// <param name="Nodes">Topologically sorted.</param>
/// <param name="Outputs">Results by their public names, in order.</param>
public sealed record Graph(
    IReadOnlyList<Value> Inputs,
    IReadOnlyList<Value> Parameters,
    IReadOnlyList<Node> Nodes,
    IReadOnlyList<GraphOutput> Outputs)
{
    /// <summary>Constants that some node or output reads, each once.</summary>
    public IReadOnlyList<Value> Constants =>
        [.. Nodes.SelectMany(n => n.Inputs).Concat(Outputs.Select(o => o.Value)).OfType<Value>().Where(v => v.Kind == ValueKind.Constant).Distinct()];

    /// <summary>Number of nodes per operator.</summary>
    public IReadOnlyDictionary<string, int> OperatorCounts() =>
        Nodes.GroupBy(n => n.Operator).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
}

/// <summary>A result under its public name.</summary>
/// <param name="Name">Unique among inputs, parameters and outputs.</param>
/// <param name="Value">What is returned.</param>
public sealed record GraphOutput(string Name, Value Value);

/// <summary>A graph cannot be built, differentiated, read or written; the message names the node.</summary>
public sealed class GraphException : Exception
{
    /// <summary>Creates the exception.</summary>
    public GraphException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public GraphException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public GraphException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
