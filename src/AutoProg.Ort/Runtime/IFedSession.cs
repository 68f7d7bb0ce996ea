namespace AutoProg.Ort.Runtime;

/// <summary>What can be fed: a session with a place for every input of its graph.</summary>
internal interface IFedSession
{
    /// <summary>The place of an input, row-major.</summary>
    /// <typeparam name="T">The tensor's element type.</typeparam>
    /// <exception cref="KeyNotFoundException">The graph has no such input.</exception>
    Span<T> Tensor<T>(string name)
        where T : unmanaged;
}
