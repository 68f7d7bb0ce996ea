namespace AutoProg.Graphs.Gradients.PerSample;

/// <summary>Inner products of the gradients that each sample of a batch gives a parameter, without a gradient ever leaving the graph.</summary>
internal static class PerSampleGradients
{
    /// <summary>
    /// Adds for each parameter its Gram matrix J J^T, where row b of J is the gradient of the sum of all elements of the output for sample b by that parameter.
    /// One backward pass gives the gradients of the results of all operators that read a parameter; a rule per operator (<see cref="PerSampleRules"/>) forms the
    /// Gram matrix from them. Where several operators read a parameter, gradients are added before they are multiplied.
    /// </summary>
    /// <param name="b">A forward graph. Inputs whose first axis is the batch hold a sample per row.</param>
    /// <param name="output">[B, ...]: computed for each sample on its own, which is checked. Anything else that is a sum over samples is given by its B terms.</param>
    /// <param name="parameters">What to differentiate by; each must influence the output.</param>
    /// <returns>[B, B] per parameter.</returns>
    /// <exception cref="GraphException">Samples meet on the way to the output, a parameter does not influence it, or an operator that reads one has no rule.</exception>
    public static IReadOnlyDictionary<Value, Value> AddGrams(GraphBuilder b, Value output, IReadOnlyCollection<Value> parameters)
    {
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(parameters);
        if (output.Shape.Rank == 0)
        {
            throw new GraphException($"'{output.Name}' is a scalar; [B, ...] is needed, a row per sample.");
        }

        var forward = NodesInFrontOf(b.Nodes, output);
        var layouts = SampleLayouts.Of(forward, output.Shape[0]);
        layouts.Require(output);
        var uses = ParameterUses.Find(forward, layouts, parameters);
        RequireUses(uses, parameters, output);
        RequireFirstOutputs(uses, forward);

        var readers = uses.All.Select(u => u.Node.Output).Distinct().ToList();
        var dy = Differentiator.AddGradients(b, b.ReduceSum(output, []), readers);
        var gradients = parameters.ToDictionary(p => p, _ => new List<SampleGradient>());
        foreach (var use in uses.Direct)
        {
            gradients[use.Parameter!].Add(Of(b, use, dy, layouts.Batch));
        }

        foreach (var (parameter, rows) in BehindOtherOperators(b, uses, dy, layouts.Batch))
        {
            gradients[parameter].Add(new RowGradient(rows));
        }

        return gradients.ToDictionary(g => g.Key, g => Gram(b, g.Key, g.Value));
    }

    private static SampleGradient Of(GraphBuilder b, ParameterUse use, IReadOnlyDictionary<Value, Value> dy, long batch)
    {
        using var scope = b.RootScope($"gram/{use.Node.Name}");
        return PerSampleRules.Find(use.Node.Operator)?.Invoke(b, use.Node, use.Operand, dy[use.Node.Output], batch) ?? throw new GraphException(
            $"No per-sample gradient rule for operand {use.Operand} ('{use.Value.Name}' {use.Value.Shape}) of '{use.Node.Operator}' (node '{use.Node.Name}'). Add it to PerSampleRules.cs, or leave the parameter out.");
    }

    /// <summary>
    /// Parameters that pass through other operators before they meet a sample (a class token that is expanded, positions that are resampled):
    /// what these operators make of each sample's gradient takes a backward pass per sample through them.
    /// </summary>
    /// <returns>[B, elements] per parameter.</returns>
    private static IEnumerable<(Value Parameter, Value Rows)> BehindOtherOperators(GraphBuilder b, ParameterUses uses, IReadOnlyDictionary<Value, Value> dy, long batch)
    {
        var wholes = uses.Derived.GroupBy(u => u.Value).ToDictionary(g => g.Key, g => g.Select(u => Of(b, u, dy, batch).Whole(b)).Aggregate(b.Add));
        if (wholes.Count == 0)
        {
            return [];
        }

        var parameters = uses.Derived.SelectMany(u => uses.SourcesOf(u.Value)).Distinct().ToList();
        var samples = Enumerable.Range(0, (int)batch).Select(i =>
        {
            var gradients = wholes.ToDictionary(w => w.Key, w => b.Reshape(b.Slice(w.Value, 0, i, i + 1), w.Key.Shape));
            return Differentiator.PullBack(GradientRules.Find, b, gradients, parameters);
        }).ToList();
        return parameters.Select(p => (p, b.Concat(0, [.. samples.Select(s => b.Reshape(s[p], [1, p.Shape.ElementCount]))])));
    }

    private static Value Gram(GraphBuilder b, Value parameter, List<SampleGradient> gradients)
    {
        using var scope = b.RootScope($"gram/{parameter.Name}");
        return gradients is [var only] ? only.Gram(b) : new RowGradient(gradients.Select(g => g.Whole(b)).Aggregate(b.Add)).Gram(b);
    }

    private static List<Node> NodesInFrontOf(IReadOnlyList<Node> nodes, Value output)
    {
        var needed = new HashSet<Value> { output };
        var inFront = new List<Node>();
        foreach (var node in nodes.Reverse().Where(n => n.Outputs.Any(needed.Contains)))
        {
            inFront.Add(node);
            needed.UnionWith(node.Inputs.OfType<Value>());
        }

        inFront.Reverse();
        return inFront;
    }

    private static void RequireUses(ParameterUses uses, IReadOnlyCollection<Value> parameters, Value output)
    {
        var used = uses.All.SelectMany(u => uses.SourcesOf(u.Value)).ToHashSet();
        if (parameters.FirstOrDefault(p => !used.Contains(p)) is { } unused)
        {
            throw new GraphException($"'{unused.Name}' does not influence '{output.Name}'. Leave it out, or use it in the model.");
        }
    }

    /// <summary>The rules know the gradient of the first output; the others are statistics, which nothing must read.</summary>
    private static void RequireFirstOutputs(ParameterUses uses, List<Node> forward)
    {
        var more = uses.All.SelectMany(u => u.Node.Outputs.Skip(1)).ToHashSet();
        if (forward.SelectMany(n => n.Inputs).FirstOrDefault(i => i is not null && more.Contains(i)) is { } read)
        {
            throw new GraphException($"{read.Producer}: its output '{read.Name}' influences the samples; per-sample gradients are known for its first output alone.");
        }
    }
}
