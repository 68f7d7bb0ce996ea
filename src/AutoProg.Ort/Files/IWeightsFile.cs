using System.Diagnostics.CodeAnalysis;
using AutoProg.Graphs;

namespace AutoProg.Ort.Files;

/// <summary>Named tensors in a file, whatever its format; they are read one at a time. Not thread-safe.</summary>
public interface IWeightsFile : IDisposable
{
    /// <summary>The file.</summary>
    string Path { get; }

    /// <summary>All tensors; names are unique.</summary>
    IReadOnlyList<WeightsEntry> Entries { get; }

    /// <summary>Free text that was saved along; empty for formats that have none.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Looks for a tensor.</summary>
    bool TryGet(string name, [NotNullWhen(true)] out WeightsEntry? entry);

    /// <summary>Reads a tensor of any type as single precision; F64 is rounded, integers beyond 2^24 are too, Bool becomes 0 or 1.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="destination">As many elements as the tensor has, row-major.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length.</exception>
    /// <exception cref="FileFormatException">The file has no such tensor, or was cut short since it was opened.</exception>
    void Read(string name, Span<float> destination);
}

/// <summary>A tensor in a file of weights.</summary>
/// <param name="Name">Unique in the file.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions, row-major.</param>
public record WeightsEntry(string Name, TensorType Type, Shape Shape);
