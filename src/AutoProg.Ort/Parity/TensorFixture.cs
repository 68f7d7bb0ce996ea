using System.Runtime.InteropServices;
using AutoProg.Graphs;
using AutoProg.Ort.Files;

namespace AutoProg.Ort.Parity;

/// <summary>A fixture's file of tensors; whatever is wrong with it names the file and the tensor.</summary>
internal sealed class TensorFixture : IDisposable
{
    private readonly SafetensorsReader reader;

    private TensorFixture(SafetensorsReader reader) => this.reader = reader;

    public string Path => reader.Path;

    public IEnumerable<string> Names => reader.Entries.Select(static entry => entry.Name);

    public static TensorFixture Open(string folder, string file)
    {
        var path = System.IO.Path.Combine(folder, file);
        try
        {
            return new TensorFixture(SafetensorsReader.Open(path));
        }
        catch (FileFormatException malformed)
        {
            throw new FixtureException(malformed.Message, malformed);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new FixtureException($"{path}: {unreadable.Message}", unreadable);
        }
    }

    public bool Has(string name) => reader.TryGet(name, out _);

    public Shape ShapeOf(string name) => Find(name).Shape;

    /// <summary>A tensor that must have a certain shape, into memory of that shape.</summary>
    public void Read(string name, Shape shape, Span<float> destination)
    {
        var entry = Find(name);
        if (!entry.Shape.Equals(shape))
        {
            throw new FixtureException($"{Path}: tensor '{name}' has shape {entry.Shape}, expected {shape}.");
        }

        try
        {
            reader.Read(name, destination);
        }
        catch (FileFormatException malformed)
        {
            throw new FixtureException(malformed.Message, malformed);
        }
    }

    /// <summary>A tensor that must have a certain shape.</summary>
    public float[] Read(string name, Shape shape)
    {
        var entry = Find(name);
        var elements = new float[entry.Shape.Equals(shape) ? shape.ElementCount : 0];
        Read(name, shape, elements);
        return elements;
    }

    /// <summary>Indices that must have a certain shape and lie in 0..count-1.</summary>
    public long[] ReadIndices(string name, Shape shape, long count)
    {
        var entry = Find(name);
        if (!entry.Shape.Equals(shape) || entry.Type != TensorType.I64)
        {
            throw new FixtureException($"{Path}: tensor '{name}' is {entry.Type.Spelling()}{entry.Shape}, expected {TensorType.I64.Spelling()}{shape}.");
        }

        var indices = new long[shape.ElementCount];
        try
        {
            reader.ReadBytes(name, MemoryMarshal.AsBytes(indices.AsSpan()));
        }
        catch (FileFormatException malformed)
        {
            throw new FixtureException(malformed.Message, malformed);
        }

        var outside = Array.FindIndex(indices, i => i < 0 || i >= count);
        return outside < 0 ? indices : throw new FixtureException($"{Path}: tensor '{name}' holds {indices[outside]}, expected 0 to {count - 1}.");
    }

    public void Dispose() => reader.Dispose();

    private SafetensorsEntry Find(string name) =>
        reader.TryGet(name, out var entry) ? entry : throw new FixtureException($"{Path}: holds no tensor '{name}'.");
}
