using AutoProg.Ort.Files;
using AutoProg.Ort.Runtime;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>Results of a <see cref="VaeGraph"/>, [N, C, H, W].</summary>
internal sealed record ImageTensor(string Name, int Channels, int Height, int Width, float[] Elements);

/// <summary>An ONNX file with one float input [N, C, H, W] and results of that rank. N, H and W may be fixed or free; a fixed N is served in parts, the last one padded.</summary>
internal sealed class VaeGraph : IDisposable
{
    private readonly InferenceSession session;
    private readonly string input;
    private readonly int[] dims;

    private VaeGraph(string path, InferenceSession session, string input, int[] dims)
    {
        Path = path;
        this.session = session;
        this.input = input;
        this.dims = dims;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Channels of the input; null if they are free.</summary>
    public int? InputChannels => dims[1] > 0 ? dims[1] : null;

    /// <summary>Rows of the input; null if they are free.</summary>
    public int? InputHeight => dims[2] > 0 ? dims[2] : null;

    /// <summary>Loads a file.</summary>
    /// <exception cref="FileFormatException">It is no such model.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static VaeGraph Load(Device device, string path)
    {
        var model = File.ReadAllBytes(path);
        InferenceSession loaded;
        try
        {
            loaded = device.Load(model, System.IO.Path.GetFileName(path));
        }
        catch (OnnxRuntimeException error)
        {
            throw new FileFormatException(path, $"cannot be loaded as an ONNX model ({error.Message})", error);
        }

        try
        {
            var inputs = loaded.InputMetadata;
            if (inputs.Count != 1 || inputs.Single().Value is not { IsTensor: true, ElementDataType: TensorElementType.Float, Dimensions.Length: 4 })
            {
                throw new FileFormatException(
                    path,
                    $"has inputs {string.Join(", ", inputs.Select(i => $"{i.Key} {i.Value.ElementDataType} [{string.Join(", ", i.Value.Dimensions)}]"))}; expected one float input [batch, channels, height, width]");
            }

            return new VaeGraph(path, loaded, inputs.Single().Key, inputs.Single().Value.Dimensions);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>Computes all results of some images.</summary>
    /// <exception cref="FileFormatException">The graph is fixed to another size, or a result has not the form that it must have.</exception>
    public IReadOnlyList<ImageTensor> Run(ReadOnlySpan<float> images, int count, int channels, int height, int width)
    {
        Require(1, channels, "channels");
        Require(2, height, "rows");
        Require(3, width, "columns");
        var length = channels * height * width;
        var batch = dims[0] > 0 ? dims[0] : count;
        var fed = new float[(long)batch * length];
        ImageTensor[]? results = null;
        for (var done = 0; done < count; done += batch)
        {
            var now = Math.Min(batch, count - done);
            images.Slice(done * length, now * length).CopyTo(fed);
            fed.AsSpan(now * length).Clear();
            using var value = OrtValue.CreateTensorValueFromMemory(fed, [batch, channels, height, width]);
            using var runOptions = new RunOptions();
            using var outputs = session.Run(runOptions, [input], [value], session.OutputNames);
            results ??= [.. outputs.Select((output, i) => Empty(session.OutputNames[i], output, batch, count))];
            foreach (var (output, result) in outputs.Zip(results))
            {
                Copy(output, result, batch, done, now);
            }
        }

        return results ?? [];
    }

    /// <inheritdoc />
    public void Dispose() => session.Dispose();

    private void Require(int axis, int size, string unit)
    {
        if (dims[axis] > 0 && dims[axis] != size)
        {
            throw new FileFormatException(Path, $"takes {dims[axis]} {unit}, not {size}; export it for that size, or with a free axis");
        }
    }

    private ImageTensor Empty(string name, OrtValue output, int batch, int count)
    {
        var info = output.GetTensorTypeAndShape();
        return info is { ElementDataType: TensorElementType.Float, Shape: [var rows, > 0 and < int.MaxValue, > 0 and < int.MaxValue, > 0 and < int.MaxValue] } && rows == batch
            ? new ImageTensor(name, (int)info.Shape[1], (int)info.Shape[2], (int)info.Shape[3], new float[count * info.Shape[1] * info.Shape[2] * info.Shape[3]])
            : throw new FileFormatException(Path, $"gives '{name}' as {info.ElementDataType} [{string.Join(", ", info.Shape)}] for {batch} images; expected floats [{batch}, channels, height, width]");
    }

    private void Copy(OrtValue output, ImageTensor result, int batch, int done, int now)
    {
        var length = result.Channels * result.Height * result.Width;
        var elements = output.GetTensorDataAsSpan<float>();
        if (elements.Length != batch * length)
        {
            throw new FileFormatException(Path, $"gives '{result.Name}' in different sizes for images of one size");
        }

        elements[..(now * length)].CopyTo(result.Elements.AsSpan(done * length));
    }
}
