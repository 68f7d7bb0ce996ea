using AutoProg.Graphs.Artifacts;

namespace AutoProg.Graphs.OnDevice;

/// <summary>
/// Training and evaluation graphs in the form of ONNX Runtime's on-device training, as its release 1.19.2 loads them: gradients are added up inside the training graph, in
/// buffers that the runtime keeps, and a graph of its own (<see cref="OptimizerModel"/>) turns them into new weights. What an input is, the runtime tells by its name alone.
/// </summary>
public static class OnDeviceGraphs
{
    /// <summary>What follows a parameter's name in the name of the buffer that sums its gradients.</summary>
    public const string BufferSuffix = "_grad.accumulation.buffer";

    /// <summary>What follows a parameter's name in the name of the output that says its buffer was written.</summary>
    public const string WrittenSuffix = "_grad.accumulation.out";

    /// <summary>The input that says whether a run replaces the sums or adds to them.</summary>
    public const string ResetInput = "lazy_reset_grad";

    private static readonly string[] ReservedSuffixes = [BufferSuffix, WrittenSuffix, TrainingGraph.GradientSuffix];

    /// <summary>
    /// A training graph whose inputs are, in this order, what is fed, all parameters, a buffer per learnable parameter and <see cref="ResetInput"/>. It returns the loss
    /// and what else the given graph returns; gradients and running statistics stay with the runtime, which the graph writes them to.
    /// </summary>
    /// <param name="training">A graph that returns gradients.</param>
    /// <param name="momentumOf">Share of the newest batch in a running statistic, by the buffer's name: <c>running += momentum (batch - running)</c> at every run.</param>
    /// <exception cref="GraphException">Nothing learns, or a name means something else to the runtime.</exception>
    public static Graph Training(TrainingGraph training, Func<string, double> momentumOf)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentNullException.ThrowIfNull(momentumOf);
        if (training.Gradients.Count == 0)
        {
            throw new GraphException("None of the parameters is learnable, and the optimizer of on-device training refuses to have nothing to do; choose one at least.");
        }

        var graph = SeparateNormalization.Apply(training.Graph);
        var results = graph.Outputs.ToDictionary(static o => o.Name, static o => o.Value, StringComparer.Ordinal);
        var declared = Parameters(training);
        var parameters = declared.ToDictionary(static p => p.Name, StringComparer.Ordinal);
        var internals = training.Gradients.Values.Concat(training.Statistics.Values).ToHashSet(StringComparer.Ordinal);
        var (buffers, nodes) = (new List<Value>(), new List<Node>(graph.Nodes));
        List<GraphOutput> outputs = [.. graph.Outputs.Where(o => !internals.Contains(o.Name))];
        RefuseReserved(graph.Inputs.Select(static i => i.Name).Concat(outputs.Select(static o => o.Name)));

        var reset = new Value(ValueKind.Parameter, ResetInput, ElementType.Bool, [1]);
        foreach (var (name, output) in training.Gradients)
        {
            var buffer = new Value(ValueKind.Parameter, name + BufferSuffix, ElementType.Float, parameters[name].Shape);
            buffers.Add(buffer);
            outputs.Add(Accumulate(nodes, name, buffer, results[output], reset));
        }

        foreach (var (name, output) in training.Statistics)
        {
            outputs.Add(Accumulate(nodes, name, parameters[name], Movement(nodes, parameters[name], results[output], momentumOf(name)), reset: null));
        }

        return graph with { Parameters = [.. declared, .. buffers, reset], Nodes = nodes, Outputs = outputs };
    }

    /// <summary>An evaluation graph that takes the parameters of a training graph in the same order, which is how the runtime hands them over, whether it reads them or not.</summary>
    /// <param name="evaluation">A forward graph with its loss.</param>
    /// <param name="training">The graph that trains the same network.</param>
    /// <exception cref="GraphException">It reads a parameter that the training graph does not have, or in another shape.</exception>
    public static Graph Evaluation(Graph evaluation, TrainingGraph training)
    {
        ArgumentNullException.ThrowIfNull(evaluation);
        ArgumentNullException.ThrowIfNull(training);
        RefuseReserved(evaluation.Inputs.Select(static i => i.Name).Concat(evaluation.Outputs.Select(static o => o.Name)));
        var own = evaluation.Parameters.ToDictionary(static p => p.Name, StringComparer.Ordinal);
        var declared = Parameters(training);
        var ordered = declared.Select(p => own.Remove(p.Name, out var value) ? value : p).ToList();
        var wrong = ordered.Zip(declared).FirstOrDefault(static pair => !pair.First.Shape.Equals(pair.Second.Shape)).First ?? own.Values.FirstOrDefault();
        return wrong is null
            ? evaluation with { Parameters = ordered }
            : throw new GraphException($"The evaluation graph reads '{wrong}', which the training graph does not have; build both from the same network.");
    }

    /// <summary>What a checkpoint holds, in the order of both graphs: the training graph's parameters, and the running statistics that it tells the batch's values of without reading them.</summary>
    public static IReadOnlyList<Value> Parameters(TrainingGraph training)
    {
        ArgumentNullException.ThrowIfNull(training);
        var names = training.Graph.Parameters.Select(static p => p.Name).ToHashSet(StringComparer.Ordinal);
        var shapes = training.Graph.Outputs.ToDictionary(static o => o.Name, static o => o.Value.Shape, StringComparer.Ordinal);
        return
        [
            .. training.Graph.Parameters,
            .. training.Statistics.Where(s => !names.Contains(s.Key)).Select(s => new Value(ValueKind.Parameter, s.Key, ElementType.Float, shapes[s.Value])),
        ];
    }

    /// <summary>Adds to memory that outlives the run, or overwrites it; the result tells only that it was done.</summary>
    private static GraphOutput Accumulate(List<Node> nodes, string parameter, Value memory, Value addend, Value? reset)
    {
        if (!addend.Shape.Equals(memory.Shape))
        {
            // The operator copies bytes without looking at shapes.
            throw new GraphException($"What is added to '{memory}' has shape {addend.Shape}.");
        }

        var node = new Node($"{parameter}/InPlaceAccumulatorV2", "InPlaceAccumulatorV2", GraphBuilder.MicrosoftDomain, reset is null ? [memory, addend] : [memory, addend, reset], Attributes.None);
        node.Outputs = [new Value(ValueKind.Result, $"{node.Name}:out", ElementType.Bool, [1]) { Producer = node }];
        nodes.Add(node);
        return new GraphOutput(parameter + WrittenSuffix, node.Output);
    }

    /// <summary><c>momentum (batch - running)</c>.</summary>
    private static Value Movement(List<Node> nodes, Value running, Value batch, double momentum)
    {
        var difference = Result(nodes, $"{running.Name}/Sub", "Sub", running, batch, running);
        return Result(nodes, $"{running.Name}/Mul", "Mul", running, difference, Constant($"{running.Name}/momentum", momentum));
    }

    private static Value Constant(string name, double value) => new(ValueKind.Constant, name, ElementType.Float, [], Tensor.Scalar(ElementType.Float, value));

    private static Value Result(List<Node> nodes, string name, string op, Value like, params Value[] inputs)
    {
        var node = new Node(name, op, "", inputs, Attributes.None);
        node.Outputs = [new Value(ValueKind.Result, $"{name}:out", like.Type, like.Shape) { Producer = node }];
        nodes.Add(node);
        return node.Output;
    }

    private static void RefuseReserved(IEnumerable<string> names)
    {
        foreach (var name in names)
        {
            if (name == ResetInput || ReservedSuffixes.Any(suffix => name.EndsWith(suffix, StringComparison.Ordinal)))
            {
                throw new GraphException($"The name '{name}' means something else to on-device training, which would never ask for it; use one that is not '{ResetInput}' and does not end in {string.Join(", ", ReservedSuffixes)}.");
            }
        }
    }
}
