using System.Text;
using AutoProg.Graphs;
using Google.FlatBuffers;

namespace AutoProg.Ort.Files.OnDevice;

/// <summary>What the optimizer of on-device training remembers.</summary>
/// <param name="Step">Updates so far.</param>
/// <param name="Moments">By the name of every parameter that learns: two for AdamW, one for gradient descent.</param>
internal sealed record OnDeviceOptimizerState(long Step, IReadOnlyDictionary<string, IReadOnlyList<Tensor>> Moments);

/// <summary>Writes checkpoints of ONNX Runtime's on-device training; see <see cref="OnDeviceCheckpointReader"/> for the way back.</summary>
internal static class OnDeviceCheckpointWriter
{
    // Names, sizes and tables of one tensor or property take less.
    private const int BytesAround = 512;

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="learns">What is trained, by the names of the training graph.</param>
    /// <param name="frozen">What is not.</param>
    /// <param name="properties">Texts for whoever loads it; the runtime only carries them.</param>
    /// <param name="optimizer">What the optimizer goes on from; null starts it afresh.</param>
    /// <returns>The file.</returns>
    /// <exception cref="ArgumentException">It would exceed what such a file can hold.</exception>
    public static ReadOnlyMemory<byte> Write(
        IReadOnlyList<(string Name, Tensor Value)> learns,
        IReadOnlyList<(string Name, Tensor Value)> frozen,
        IEnumerable<KeyValuePair<string, string>> properties,
        OnDeviceOptimizerState? optimizer = null)
    {
        ArgumentNullException.ThrowIfNull(learns);
        ArgumentNullException.ThrowIfNull(frozen);
        ArgumentNullException.ThrowIfNull(properties);
        KeyValuePair<string, string>[] texts = [.. properties];
        var tensors = learns.Concat(frozen).Select(static t => t.Value).Concat(optimizer?.Moments.Values.SelectMany(static m => m) ?? []);
        var bytes = tensors.Sum(static t => (long)t.Bytes.Length + BytesAround) + texts.Sum(static p => (long)Encoding.UTF8.GetByteCount(p.Key) + Encoding.UTF8.GetByteCount(p.Value) + BytesAround);
        if (bytes > CheckpointSchema.MostBytes / 100 * 99)
        {
            throw new ArgumentException($"The parameters take {bytes} bytes; a checkpoint of on-device training holds at most {CheckpointSchema.MostBytes}. Train a smaller model there.", nameof(learns));
        }

        // All at once: a builder that has to grow copies everything, and cannot grow beyond 1 GiB.
        var b = new FlatBufferBuilder((int)bytes + BytesAround);
        var module = Module(b, learns, frozen);
        var group = optimizer is null ? (int?)null : Tables(b, [Group(b, optimizer)]);
        var bag = Properties(b, texts);
        b.StartTable(CheckpointSchema.Root.Count);
        b.AddInt(CheckpointSchema.Root.Version, CheckpointSchema.Version, 0);
        b.AddOffset(CheckpointSchema.Root.Module, module, 0);
        b.AddOffset(CheckpointSchema.Root.Optimizers, group ?? 0, 0);
        b.AddOffset(CheckpointSchema.Root.Properties, bag, 0);
        b.Finish(b.EndTable(), CheckpointSchema.Identifier);
        var written = b.DataBuffer;
        return written.ToArraySegment(written.Position, written.Length - written.Position);
    }

    private static int Module(FlatBufferBuilder b, IReadOnlyList<(string Name, Tensor Value)> learns, IReadOnlyList<(string Name, Tensor Value)> frozen)
    {
        // Both lists are required, empty or not.
        var (learnsAt, frozenAt) = (Tensors(b, learns), Tensors(b, frozen));
        b.StartTable(CheckpointSchema.Module.Count);
        b.AddOffset(CheckpointSchema.Module.Learns, learnsAt, 0);
        b.AddOffset(CheckpointSchema.Module.Frozen, frozenAt, 0);
        return b.EndTable();
    }

    private static int Group(FlatBufferBuilder b, OnDeviceOptimizerState optimizer)
    {
        var states = Tables(b, [.. optimizer.Moments.OrderBy(static state => state.Key, StringComparer.Ordinal).Select(state => State(b, state.Key, state.Value))]);
        var name = b.CreateString(CheckpointSchema.GroupName).Value;
        b.StartTable(CheckpointSchema.Group.Count);
        b.AddOffset(CheckpointSchema.Group.Name, name, 0);
        b.AddLong(CheckpointSchema.Group.Step, optimizer.Step, 0);
        b.AddOffset(CheckpointSchema.Group.States, states, 0);
        return b.EndTable();
    }

    private static int State(FlatBufferBuilder b, string parameter, IReadOnlyList<Tensor> moments)
    {
        var tensors = Tensors(b, [.. moments.Select(static (moment, i) => (CheckpointSchema.MomentName(i), moment))]);
        var name = b.CreateString(parameter).Value;
        b.StartTable(CheckpointSchema.State.Count);
        b.AddOffset(CheckpointSchema.State.Parameter, name, 0);
        b.AddOffset(CheckpointSchema.State.Moments, tensors, 0);
        return b.EndTable();
    }

    private static int Tensors(FlatBufferBuilder b, IReadOnlyList<(string Name, Tensor Value)> tensors) => Tables(b, [.. tensors.Select(t => Tensor(b, t.Name, t.Value))]);

    private static int Tensor(FlatBufferBuilder b, string name, Tensor tensor)
    {
        var nameAt = b.CreateString(name).Value;
        b.StartVector(sizeof(long), tensor.Shape.Rank, sizeof(long));
        foreach (var size in tensor.Shape.Reverse())
        {
            b.AddLong(size);
        }

        var dims = b.EndVector().Value;
        b.StartVector(1, tensor.Bytes.Length, sizeof(long));
        b.Add(tensor.Bytes.ToArray());
        var elements = b.EndVector().Value;
        b.StartTable(CheckpointSchema.Tensor.Count);
        b.AddOffset(CheckpointSchema.Tensor.Name, nameAt, 0);
        b.AddOffset(CheckpointSchema.Tensor.Dims, dims, 0);
        b.AddInt(CheckpointSchema.Tensor.Type, (int)tensor.Type, 0);
        b.AddOffset(CheckpointSchema.Tensor.Elements, elements, 0);
        return b.EndTable();
    }

    private static int Properties(FlatBufferBuilder b, IReadOnlyList<KeyValuePair<string, string>> properties)
    {
        var texts = Tables(b, [.. properties.Select(property => Property(b, property.Key, property.Value))]);
        b.StartTable(CheckpointSchema.Properties.Count);
        b.AddOffset(CheckpointSchema.Properties.Texts, texts, 0);
        return b.EndTable();
    }

    private static int Property(FlatBufferBuilder b, string name, string value)
    {
        var (nameAt, valueAt) = (b.CreateString(name).Value, b.CreateString(value).Value);
        b.StartTable(CheckpointSchema.Property.Count);
        b.AddOffset(CheckpointSchema.Property.Name, nameAt, 0);
        b.AddOffset(CheckpointSchema.Property.Value, valueAt, 0);
        return b.EndTable();
    }

    /// <summary>A vector of tables that lie in the buffer already.</summary>
    private static int Tables(FlatBufferBuilder b, int[] places)
    {
        b.StartVector(sizeof(int), places.Length, sizeof(int));
        foreach (var place in places.Reverse())
        {
            b.AddOffset(place);
        }

        return b.EndVector().Value;
    }
}
