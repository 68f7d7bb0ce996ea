namespace AutoProg.Graphs.Import;

/// <summary>Binds the sizes that a file leaves open, and the batch.</summary>
internal static class InputShapes
{
    /// <summary>Every input with its shape.</summary>
    /// <exception cref="OnnxFormatException">A size is open, or a given shape contradicts the file.</exception>
    /// <exception cref="ArgumentException">A shape is given for an input that there is not.</exception>
    public static IEnumerable<(OnnxTensor Input, Shape Shape)> Of(OnnxModelFile file, OnnxImportOptions options)
    {
        var unknown = options.Shapes.Keys.Except(file.Inputs.Select(static i => i.Name)).FirstOrDefault();
        return unknown is null
            ? file.Inputs.Select(input => (input, Bind(file, input, options)))
            : throw new ArgumentException($"{file.Path} has no input '{unknown}'; it has {string.Join(", ", file.Inputs.Select(static i => i.Name))}.");
    }

    private static Shape Bind(OnnxModelFile file, OnnxTensor input, OnnxImportOptions options)
    {
        var name = UntrustedText.Shown(input.Name);
        if (options.Shapes.TryGetValue(input.Name, out var given))
        {
            // The first axis is the batch, which may be another than that of the export.
            var fits = input.Dims is not { } dims || (dims.Count == given.Rank && dims.Zip(given).Skip(1).All(static pair => pair.First is not { } dim || dim == pair.Second));
            return fits ? Checked(given) : throw new OnnxFormatException(file.Path, $"input '{name}' is {input.ShownDims}, shape {given} is given. {OnnxImport.BakedIn}");
        }

        long?[] sizes = input.Dims is null ? [] : [.. input.Dims];
        if (sizes.Length > 0 && options.Batch is { } batch)
        {
            sizes[0] = batch;
        }

        return input.Dims is not null && Array.TrueForAll(sizes, static size => size is not null)
            ? Checked(Shape.Of([.. sizes.Select(static size => size!.Value)]))
            : throw new OnnxFormatException(file.Path, $"input '{name}' is {input.ShownDims}; give every size that is open, e.g. --input {name}=1x3x224x224.");

        Shape Checked(Shape shape)
        {
            try
            {
                return ElementReader.CheckedShape(shape.ToArray());
            }
            catch (GraphException error)
            {
                throw new OnnxFormatException(file.Path, $"input '{name}': {error.Message}", error);
            }
        }
    }
}
