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
    /// <exception cref="OnnxFormatException">Stored elements cannot be read.</exception>
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

        var bytes = model.Graph.Initializer.Sum(static i => (long)i.RawData.Length);
        return bytes < OnnxWriter.MaxBytes * 0.99 ? model.ToByteArray() : throw new GraphException($"The weights of '{file.Path}' take {bytes} bytes; one ONNX file holds at most {OnnxWriter.MaxBytes}.");
    }

    private static void Renew(GraphProto graph, OnnxModelFile file, IReadOnlyDictionary<string, Tensor> weights)
    {
        foreach (var tensor in graph.Initializer)
        {
            if (weights.TryGetValue(tensor.Name, out var elements))
            {
                Set(tensor, elements);
            }
            else if (tensor.DataLocation == TensorProto.Types.DataLocation.External)
            {
                Set(tensor, file.Read(tensor.Name));
            }
        }

        var known = graph.Initializer.Select(static i => i.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var node in graph.Node.Where(n => GraphStructure.IsCopy(n) && file.Initializers.ContainsKey(n.Output[0]) && !known.Contains(n.Output[0])).ToList())
        {
            var (original, name) = (node.Input[0], node.Output[0]);
            if (!weights.ContainsKey(original) && !weights.ContainsKey(name))
            {
                continue;
            }

            var tensor = new TensorProto { Name = name };
            Set(tensor, weights.TryGetValue(name, out var elements) ? elements : file.Read(name));
            graph.Initializer.Add(tensor);
            graph.Node.Remove(node);
        }
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
