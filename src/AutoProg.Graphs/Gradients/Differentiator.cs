namespace AutoProg.Graphs.Gradients;

/// <summary>Reverse-mode differentiation: adds to a graph the nodes that compute gradients.</summary>
public static class Differentiator
{
    /// <summary>
    /// Adds the gradients of a scalar with respect to some values. Only what lies between them and the scalar is visited,
    /// so what frozen parameters alone would need is never built.
    /// </summary>
    /// <param name="b">The graph; gradient nodes are named after what they differentiate: <c>grad/blocks.3.attn/Gemm/...</c>.</param>
    /// <param name="loss">A scalar.</param>
    /// <param name="targets">Parameters or inputs; each must influence the loss.</param>
    /// <returns>Gradient of each target, in its shape.</returns>
    /// <exception cref="GraphException">The loss is no scalar, a target does not influence it, or an operator on the way has no rule.</exception>
    public static IReadOnlyDictionary<Value, Value> AddGradients(GraphBuilder b, Value loss, IReadOnlyCollection<Value> targets) =>
        AddGradientsBy(GradientRules.Find, b, loss, targets);

    /// <summary>As <see cref="AddGradients"/>, with other rules.</summary>
    internal static IReadOnlyDictionary<Value, Value> AddGradientsBy(
        Func<string, GradientRule?> findRule, GraphBuilder b, Value loss, IReadOnlyCollection<Value> targets)
    {
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentNullException.ThrowIfNull(targets);
        if (loss.Shape.ElementCount != 1)
        {
            throw new GraphException($"The loss '{loss.Name}' has shape {loss.Shape}; a scalar is needed. Reduce it first.");
        }

        return PullBack(findRule, b, new Dictionary<Value, Value> { [loss] = b.Full(loss, loss.Shape, 1) }, targets);
    }

    /// <summary>Adds what gradients of some results mean for the values that they were computed from (a vector-Jacobian product).</summary>
    /// <param name="findRule">Rule of an operator.</param>
    /// <param name="b">The graph.</param>
    /// <param name="results">Gradient of each result, in its shape. The gradients themselves are not differentiated.</param>
    /// <param name="targets">Values; each must influence a result.</param>
    /// <exception cref="GraphException">A target influences no result, or an operator on the way has no rule.</exception>
    internal static IReadOnlyDictionary<Value, Value> PullBack(
        Func<string, GradientRule?> findRule, GraphBuilder b, IReadOnlyDictionary<Value, Value> results, IReadOnlyCollection<Value> targets)
    {
        var path = Path(b.Nodes, results.Keys, targets);
        RequireRules(path, findRule);
        var gradients = new Dictionary<Value, Value>(results);
        var learnable = Influenced(b.Nodes, targets);
        foreach (var node in Enumerable.Reverse(path))
        {
            var dy = node.Outputs.Select(gradients.GetValueOrDefault).ToArray();
            if (dy.All(g => g is null))
            {
                continue;
            }

            using var scope = b.RootScope($"grad/{node.Name}");
            var dx = findRule(node.Operator)!(b, node, new OutputGradients(b, node, dy));
            if (dx.Length != node.Inputs.Count)
            {
                throw new GraphException($"The gradient rule of '{node.Operator}' gave {dx.Length} gradients for {node.Inputs.Count} inputs ({node}).");
            }

            for (var i = 0; i < dx.Length; i++)
            {
                if (dx[i] is { } gradient && node.Inputs[i] is { } input && learnable.Contains(input))
                {
                    var summed = Broadcasting.SumTo(b, gradient, input.Shape);
                    gradients[input] = gradients.TryGetValue(input, out var other) ? b.Add(other, summed) : summed;
                }
            }
        }

        return targets.ToDictionary(t => t, t => gradients.GetValueOrDefault(t)
            ?? throw new GraphException($"'{t.Name}' does not influence the loss '{string.Join("', '", results.Keys.Select(r => r.Name))}'. Freeze it, or use it in the model."));
    }

    /// <summary>Nodes that depend on a target and influence a result, in graph order.</summary>
    private static List<Node> Path(IReadOnlyList<Node> nodes, IEnumerable<Value> results, IReadOnlyCollection<Value> targets)
    {
        var influenced = Influenced(nodes, targets);
        var needed = results.ToHashSet();
        var path = new List<Node>();
        foreach (var node in nodes.Reverse())
        {
            if (node.Outputs.Any(needed.Contains) && node.Outputs.Any(influenced.Contains))
            {
                path.Add(node);
                needed.UnionWith(node.Inputs.OfType<Value>());
            }
        }

        path.Reverse();
        return path;
    }

    /// <summary>The targets, and every floating-point value that is computed from one and does not stop the gradient.</summary>
    private static HashSet<Value> Influenced(IReadOnlyList<Node> nodes, IReadOnlyCollection<Value> targets)
    {
        var influenced = targets.ToHashSet();
        foreach (var node in nodes)
        {
            if (node.Inputs.Any(i => i is not null && influenced.Contains(i)))
            {
                influenced.UnionWith(node.Outputs.Where(o => o.Type.IsFloatingPoint() && !o.StopsGradient));
            }
        }

        return influenced;
    }

    private static void RequireRules(List<Node> path, Func<string, GradientRule?> findRule)
    {
        var missing = path.Where(n => findRule(n.Operator) is null).ToList();
        if (missing.Count > 0)
        {
            var list = string.Join("; ", missing.Take(20).Select(n => $"'{n.Operator}' (node '{n.Name}')"));
            throw new GraphException($"No gradient rule for {list}. Add it to its family under Gradients, or freeze the parameters in front of it.");
        }
    }
}
