using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Objectives;

/// <summary>What a graph is fed for a whole batch: an input's name and its values, of which a micro-batch takes its part.</summary>
internal abstract class FedTensor
{
    private protected FedTensor(string name) => Name = name;

    /// <summary>Name of the graph's input.</summary>
    public string Name { get; }

    /// <summary>Copies the rows of a micro-batch into a session's input.</summary>
    /// <param name="session">The session.</param>
    /// <param name="batch">Rows of the whole batch.</param>
    /// <param name="first">First row of the micro-batch.</param>
    /// <param name="count">Its rows.</param>
    public abstract void Feed(IFedSession session, int batch, int first, int count);

    /// <summary>Values that lie as [B, ...].</summary>
    public static FedTensor Of<T>(string name, ReadOnlyMemory<T> values)
        where T : unmanaged => new Typed<T>(name, values, outer: 1);

    /// <summary>Values that lie as [outer, B, ...], e.g. one factor per branch and image.</summary>
    public static FedTensor Of<T>(string name, ReadOnlyMemory<T> values, int outer)
        where T : unmanaged => new Typed<T>(name, values, outer);

    /// <summary>Values that are the same for every micro-batch.</summary>
    public static FedTensor Shared<T>(string name, ReadOnlyMemory<T> values)
        where T : unmanaged => new Whole<T>(name, values);

    private sealed class Whole<T>(string name, ReadOnlyMemory<T> values) : FedTensor(name)
        where T : unmanaged
    {
        public override void Feed(IFedSession session, int batch, int first, int count) => values.Span.CopyTo(session.Tensor<T>(Name));
    }

    private sealed class Typed<T>(string name, ReadOnlyMemory<T> values, int outer) : FedTensor(name)
        where T : unmanaged
    {
        public override void Feed(IFedSession session, int batch, int first, int count)
        {
            var from = values.Span;
            var to = session.Tensor<T>(Name);
            var row = from.Length / (outer * batch);
            for (var i = 0; i < outer; i++)
            {
                from.Slice(((i * batch) + first) * row, count * row).CopyTo(to[(i * count * row)..]);
            }
        }
    }
}
