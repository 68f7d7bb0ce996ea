using System.Collections;

namespace AutoProg.Graphs;

/// <summary>
/// A node's attributes by name. A value is <see cref="long"/>, <see cref="float"/>, <see cref="string"/>, an array of one of the first two, or a <see cref="Tensor"/>.
/// </summary>
public sealed class Attributes : IEnumerable<KeyValuePair<string, object>>
{
    private readonly SortedDictionary<string, object> values = new(StringComparer.Ordinal);

    /// <summary>No attributes.</summary>
    public static Attributes None { get; } = [];

    /// <summary>True if there is no attribute.</summary>
    public bool IsEmpty => values.Count == 0;

    /// <summary>Adds an integer.</summary>
    public void Add(string name, long value) => values.Add(name, value);

    /// <summary>Adds a truth value, which ONNX stores as 0 or 1.</summary>
    public void Add(string name, bool value) => values.Add(name, value ? 1L : 0L);

    /// <summary>Adds a number.</summary>
    public void Add(string name, float value) => values.Add(name, value);

    /// <summary>Adds a text.</summary>
    public void Add(string name, string value) => values.Add(name, value);

    /// <summary>Adds integers.</summary>
    public void Add(string name, long[] value) => values.Add(name, value);

    /// <summary>Adds numbers.</summary>
    public void Add(string name, float[] value) => values.Add(name, value);

    /// <summary>Adds a tensor.</summary>
    public void Add(string name, Tensor value) => values.Add(name, value);

    /// <summary>True if the attribute is present.</summary>
    public bool Has(string name) => values.ContainsKey(name);

    /// <summary>An integer attribute, or its default.</summary>
    public long Int(string name, long fallback) => values.TryGetValue(name, out var value) ? (long)value : fallback;

    /// <summary>A 0/1 attribute as a truth value, or its default.</summary>
    public bool Flag(string name, bool fallback = false) => Int(name, fallback ? 1 : 0) != 0;

    /// <summary>A number attribute, or its default.</summary>
    public float Float(string name, float fallback) => values.TryGetValue(name, out var value) ? (float)value : fallback;

    /// <summary>A text attribute, or its default.</summary>
    public string Text(string name, string fallback) => values.TryGetValue(name, out var value) ? (string)value : fallback;

    /// <summary>An integer list, or null.</summary>
    public long[]? Ints(string name) => values.TryGetValue(name, out var value) ? (long[])value : null;

    /// <summary>A tensor attribute, or null.</summary>
    public Tensor? Tensor(string name) => values.TryGetValue(name, out var value) ? (Tensor)value : null;

    /// <summary>Those of these attributes that are present.</summary>
    internal Attributes Only(params IReadOnlyCollection<string> names)
    {
        var some = new Attributes();
        foreach (var (name, value) in values.Where(a => names.Contains(a.Key)))
        {
            some.values.Add(name, value);
        }

        return some;
    }

    /// <summary>These attributes and one more.</summary>
    internal Attributes With(string name, string value)
    {
        var all = Only(values.Keys);
        all.Add(name, value);
        return all;
    }

    /// <inheritdoc />
    public IEnumerator<KeyValuePair<string, object>> GetEnumerator() => values.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
