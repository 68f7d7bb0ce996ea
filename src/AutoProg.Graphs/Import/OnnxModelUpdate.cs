using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Artifacts.Protos;
using Google.Protobuf;

namespace AutoProg.Graphs.Import;

/// <summary>A model file with other weights: nodes, names, interface and everything else that it holds stay as they are.</summary>
public static class OnnxModelUpdate
{
    /// <summary>
    /// Writes the model. Elements that lay in files beside it are taken into the file. Copies of stored tensors (see <see cref="OnnxModelFile.Initializers"/>) become tensors of their
    /// own where they or what they are copies of have new elements.
    /// </summary>
    /// <param name="file">The model.</param>
    /// <param name="weights">New elements by name; what is not among them stays.</param>
    /// <param name="batchNorm">What batch normalisation did in training; nodes that followed the batches are written in evaluation mode.</param>
    /// <param name="metadata">Key and value pairs to add to the file's, in place of those of the same key.</param>
    /// <exception cref="ArgumentException">The file stores no tensor of that name, or one of another type or shape.</exception>
    /// <exception cref="OnnxFormatException">Stored elements cannot be read, or the file has changed since it was opened.</exception>
    /// <exception cref="GraphException">The model exceeds what one file can hold.</exception>
    public static byte[] Write(OnnxModelFile file, IReadOnlyDictionary<string, Tensor> weights, BatchNormMode batchNorm, IEnumerable<KeyValuePair<string, string>>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(weights);
        foreach (var (name, elements) in weights)
        {
            if (!file.Initializers.TryGetValue(name, out var stored) || stored.Type != elements.Type || !stored.Shape.Equals(elements.Shape))
            {
                throw new ArgumentException($"{file.Path} stores no tensor '{UntrustedText.Shown(name)}' of {elements.Type}{elements.Shape}.", nameof(weights));
            }
        }

        var model = file.Model.Clone();
        Renew(model.Graph, file, weights);
        foreach (var node in model.Graph.Node.Where(n => GraphStructure.IsBatchNorm(n) && (batchNorm == BatchNormMode.Train || (batchNorm == BatchNormMode.File && IsTraining(n)))))
        {
            Evaluate(node);
        }

        foreach (var (key, value) in metadata ?? [])
        {
            var entry = model.MetadataProps.FirstOrDefault(m => m.Key == key);
            if (entry is null)
            {
                model.MetadataProps.Add(entry = new StringStringEntryProto { Key = key });
            }

            entry.Value = value;
        }

        // Counted in 32 bits, which do for what RequireFits has let pass.
        var bytes = unchecked((uint)model.CalculateSize());
        return bytes <= Array.MaxLength ? model.ToByteArray() : throw TooLarge(file, bytes);
    }

    /// <summary>Refuses what is far too large before any of it is read.</summary>
    private static void RequireFits(OnnxModelFile file, IEnumerable<string> written)
    {
        var bytes = written.Select(name => file.Initializers[name]).Sum(static stored => stored.Shape.ElementCount * stored.Type.Size());
        if (bytes > OnnxWriter.MaxBytes)
        {
            throw TooLarge(file, bytes);
        }
    }

    private static GraphException TooLarge(OnnxModelFile file, long bytes) =>
        new($"'{file.Path}' with its new weights would take {bytes} bytes; one ONNX file holds at most {OnnxWriter.MaxBytes}.");

    private static void Renew(GraphProto graph, OnnxModelFile file, IReadOnlyDictionary<string, Tensor> weights)
    {
        var known = graph.Initializer.Select(static i => i.Name).ToHashSet(StringComparer.Ordinal);
        var copies = graph.Node.Where(n => IsOwn(n) && !known.Contains(n.Output[0])).ToList();
        RequireFits(file, known.Concat(copies.Select(static copy => copy.Output[0])));
        for (var i = 0; i < graph.Initializer.Count; i++)
        {
            var tensor = graph.Initializer[i];
            if (weights.TryGetValue(tensor.Name, out var elements))
            {
                Set(tensor, elements);
            }
            else if (tensor.DataLocation == TensorProto.Types.DataLocation.External)
            {
                Set(tensor, file.Read(tensor.Name));
            }
            else
            {
                graph.Initializer[i] = file.Stored(tensor.Name);
            }
        }

        foreach (var node in copies)
        {
            var tensor = new TensorProto { Name = node.Output[0] };
            Set(tensor, weights.TryGetValue(tensor.Name, out var elements) ? elements : file.Read(tensor.Name));
            graph.Initializer.Add(tensor);
            graph.Node.Remove(node);
        }

        bool IsOwn(NodeProto node) =>
            GraphStructure.IsCopy(node) && file.Initializers.ContainsKey(node.Output[0]) && (weights.ContainsKey(node.Input[0]) || weights.ContainsKey(node.Output[0]));
    }

    private static void Set(TensorProto tensor, Tensor elements)
    {
        tensor.Dims.Clear();
        tensor.Dims.AddRange(elements.Shape);
        tensor.DataType = (int)elements.Type;
        tensor.FloatData.Clear();
        tensor.DoubleData.Clear();
        tensor.Int32Data.Clear();
        tensor.Int64Data.Clear();
        tensor.ExternalData.Clear();
        tensor.DataLocation = TensorProto.Types.DataLocation.Default;
        tensor.RawData = ByteString.CopyFrom(elements.Bytes);
    }

    private static bool IsTraining(NodeProto node) => node.Attribute.Any(static a => a is { Name: "training_mode", I: not 0 });

    private static void Evaluate(NodeProto node)
    {
        if (node.Attribute.FirstOrDefault(static a => a.Name == "training_mode") is { } mode)
        {
            node.Attribute.Remove(mode);
        }

        while (node.Output.Count > 1)
        {
            node.Output.RemoveAt(node.Output.Count - 1);
        }
    }
}
