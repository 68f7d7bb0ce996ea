namespace AutoProg.Graphs.Gradients.PerSample;

/// <summary>How a value depends on the samples of a batch.</summary>
internal enum SampleLayout
{
    /// <summary>On none of them: weights, constants, and what is computed from these alone.</summary>
    Shared,

    /// <summary>Read row-major, it falls into as many equal blocks as there are samples, and block b depends on sample b alone and on what is shared.</summary>
    Divided,

    /// <summary>Samples meet in it, or it cannot be told where they lie.</summary>
    Mixed,
}

/// <summary>
/// Where the samples of a batch lie in the values of a forward graph. Followed from the inputs on, operator by operator (<see cref="SampleLayoutRules"/>):
/// nothing is concluded from sizes that happen to fit.
/// </summary>
internal sealed class SampleLayouts
{
    private readonly Dictionary<Value, SampleLayout> layouts = [];
    private readonly Dictionary<Value, string> reasons = [];

    private SampleLayouts(long batch) => Batch = batch;

    /// <summary>Number of samples.</summary>
    public long Batch { get; }

    /// <summary>How a value depends on the samples.</summary>
    public SampleLayout this[Value value] => layouts.TryGetValue(value, out var layout) ? layout : OfSource(value);

    /// <summary>Follows the samples through nodes in graph order. An input holds a sample per row if its first axis is the batch; a single number is shared.</summary>
    public static SampleLayouts Of(IEnumerable<Node> nodes, long batch)
    {
        var all = new SampleLayouts(batch);
        foreach (var node in nodes)
        {
            all.Follow(node);
        }

        return all;
    }

    /// <summary>The axis along which the samples of a divided value follow each other: the first that is longer than 1.</summary>
    public static int SampleAxis(Shape shape)
    {
        var axis = 0;
        while (axis < shape.Rank - 1 && shape[axis] == 1)
        {
            axis++;
        }

        return axis;
    }

    /// <summary>Requires that a value is divided by samples.</summary>
    /// <exception cref="GraphException">It is not; the message says where the samples were lost.</exception>
    public void Require(Value value)
    {
        if (this[value] != SampleLayout.Divided)
        {
            throw new GraphException(this[value] == SampleLayout.Shared
                ? $"'{value.Name}' depends on no sample, so it has no per-sample gradients; give a value that is computed from inputs [{Batch}, ...]."
                : $"'{value.Name}' has no per-sample gradients for a batch of {Batch}: {ReasonOf(value)}. Give a value [{Batch}, ...] that is computed for each sample on its own.");
        }
    }

    private SampleLayout OfSource(Value value) => value.Kind switch
    {
        ValueKind.Input when value.Shape.Rank > 0 && value.Shape[0] == Batch => SampleLayout.Divided,
        ValueKind.Input when value.Shape.ElementCount != 1 => SampleLayout.Mixed,
        _ => SampleLayout.Shared,
    };

    private string ReasonOf(Value value) => reasons.TryGetValue(value, out var reason)
        ? reason
        : $"input '{value.Name}' {value.Shape} does not hold a sample per row";

    private void Follow(Node node)
    {
        var inputs = node.Inputs.OfType<Value>().ToList();
        var (layout, reason) = inputs.Find(i => this[i] == SampleLayout.Mixed) is { } mixed ? (SampleLayout.Mixed, ReasonOf(mixed))
            : inputs.TrueForAll(i => this[i] == SampleLayout.Shared) ? (SampleLayout.Shared, null)
            : Obstacle(node) is { } obstacle ? (SampleLayout.Mixed, $"{node} {obstacle}")
            : (SampleLayout.Divided, null);
        foreach (var output in node.Outputs)
        {
            layouts.Add(output, layout);
            if (reason is not null)
            {
                reasons.Add(output, reason);
            }
        }
    }

    /// <summary>Why the results of a node that reads samples are not divided; null if they are.</summary>
    private string? Obstacle(Node node)
    {
        if (Batch == 1)
        {
            return null;
        }

        if (SampleLayoutRules.Find(node.Operator) is not { } keepsApart)
        {
            return "is an operator through which samples are not followed";
        }

        return !keepsApart(node, v => this[v] == SampleLayout.Divided) ? "brings samples together or moves them out of the rows"
            : node.Outputs.FirstOrDefault(o => o.Shape.Rank == 0 || o.Shape[SampleAxis(o.Shape)] % Batch != 0) is { } odd ? $"spreads the samples over several axes of {odd.Shape}"
            : null;
    }
}
