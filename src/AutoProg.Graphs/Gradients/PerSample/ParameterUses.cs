namespace AutoProg.Graphs.Gradients.PerSample;

/// <summary>An operator that brings a shared value together with samples.</summary>
/// <param name="Node">The operator.</param>
/// <param name="Operand">Which of its operands is shared.</param>
/// <param name="Value">The shared operand.</param>
/// <param name="Parameter">The parameter, if the operand has just its elements in their order; null if they passed through other operators.</param>
internal sealed record ParameterUse(Node Node, int Operand, Value Value, Value? Parameter);

/// <summary>Where parameters meet samples.</summary>
internal sealed class ParameterUses
{
    private static readonly HashSet<string> SameElements = new(StringComparer.Ordinal) { "Reshape", "Squeeze", "Unsqueeze", "Identity" };

    private readonly Dictionary<Value, HashSet<Value>> sources = [];
    private readonly Dictionary<Value, Value> sameElements = [];
    private readonly List<ParameterUse> uses = [];

    private ParameterUses()
    {
    }

    /// <summary>All meetings, in graph order.</summary>
    public IReadOnlyList<ParameterUse> All => uses;

    /// <summary>Meetings with a parameter itself, perhaps reshaped.</summary>
    public IEnumerable<ParameterUse> Direct => uses.Where(u => u.Parameter is not null);

    /// <summary>Meetings with what other operators made of parameters.</summary>
    public IEnumerable<ParameterUse> Derived => uses.Where(u => u.Parameter is null);

    /// <summary>Follows parameters through the shared values up to the operators where they meet samples.</summary>
    /// <param name="forward">Nodes in graph order.</param>
    /// <param name="layouts">Tells what is shared.</param>
    /// <param name="parameters">What to follow.</param>
    public static ParameterUses Find(IReadOnlyList<Node> forward, SampleLayouts layouts, IReadOnlyCollection<Value> parameters)
    {
        var found = new ParameterUses();
        foreach (var parameter in parameters)
        {
            found.sources.Add(parameter, [parameter]);
            found.sameElements.Add(parameter, parameter);
        }

        foreach (var node in forward)
        {
            found.Follow(node, layouts);
        }

        return found;
    }

    /// <summary>The parameters that a shared value is computed from.</summary>
    public IReadOnlyCollection<Value> SourcesOf(Value value) => sources[value];

    private void Follow(Node node, SampleLayouts layouts)
    {
        var operands = Enumerable.Range(0, node.Inputs.Count).Where(i => node.Inputs[i] is { } input && sources.ContainsKey(input)).ToList();
        if (operands.Count == 0)
        {
            return;
        }

        if (layouts[node.Output] != SampleLayout.Shared)
        {
            uses.AddRange(operands.Select(i => new ParameterUse(node, i, node.Inputs[i]!, sameElements.GetValueOrDefault(node.Inputs[i]!))));
            return;
        }

        foreach (var output in node.Outputs.Where(o => o.Type.IsFloatingPoint() && !o.StopsGradient))
        {
            sources.Add(output, [.. operands.SelectMany(i => sources[node.Inputs[i]!])]);
            if (SameElements.Contains(node.Operator) && sameElements.TryGetValue(node.Input(0), out var parameter))
            {
                sameElements.Add(output, parameter);
            }
        }
    }
}
