namespace AutoProg.Graphs.Import;

/// <summary>How much a model file may ask for. What is above is refused before memory is given for it.</summary>
internal static class OnnxLimits
{
    /// <summary>The oldest and the newest version of ai.onnx that is read.</summary>
    public const int OldestOpset = 13;

    /// <inheritdoc cref="OldestOpset" />
    public const int NewestOpset = 23;

    /// <summary>Bytes of a model file, apart from external data: protobuf ends at 2 GiB.</summary>
    public const long FileBytes = int.MaxValue;

    /// <summary>Bytes of a model file without the elements of its initialisers: nodes, names, attributes. In memory they take many times as much.</summary>
    public const long StructureBytes = 64L << 20;

    /// <summary>Bytes of all initialisers together, external data included.</summary>
    public const long InitializerBytes = 16L << 30;

    /// <summary>Initialisers of a graph.</summary>
    public const int Initializers = 100_000;

    /// <summary>Nodes of a graph.</summary>
    public const int Nodes = 100_000;

    /// <summary>Axes of a tensor.</summary>
    public const int Rank = 16;

    /// <summary>Elements of a tensor, stored or computed.</summary>
    public const long Elements = int.MaxValue;
}
