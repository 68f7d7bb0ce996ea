namespace AutoProg.Graphs;

/// <summary>Where a value of a graph comes from.</summary>
public enum ValueKind
{
    /// <summary>Fed at every run.</summary>
    Input,

    /// <summary>A weight, bound to memory that outlives runs.</summary>
    Parameter,

    /// <summary>Known when the graph is built.</summary>
    Constant,

    /// <summary>Computed by a node.</summary>
    Result,
}

/// <summary>An edge of a graph: a tensor of static type and shape with one source and any number of readers.</summary>
public sealed class Value
{
    internal Value(ValueKind kind, string name, ElementType type, Shape shape, Tensor? constant = null)
    {
        Kind = kind;
        Name = name;
        Type = type;
        Shape = shape;
        Constant = constant;
    }

    /// <summary>Where it comes from.</summary>
    public ValueKind Kind { get; }

    /// <summary>Unique in its graph.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public ElementType Type { get; }

    /// <summary>Static shape.</summary>
    public Shape Shape { get; }

    /// <summary>The elements, if <see cref="Kind"/> is constant.</summary>
    public Tensor? Constant { get; }

    /// <summary>The node that computes it, if <see cref="Kind"/> is result.</summary>
    public Node? Producer { get; internal set; }

    /// <summary>True if differentiation takes it for a constant: see <see cref="GraphBuilder.StopGradient"/>.</summary>
    internal bool StopsGradient { get; init; }

    /// <inheritdoc />
    public override string ToString() => $"{Name}: {Type}{Shape}";
}
