using AutoProg.Ort.Files.Torch;

namespace AutoProg.Ort.Files;

/// <summary>Opens files of weights by what they hold, not by what they are called.</summary>
public static class WeightsFile
{
    /// <summary>Opens a safetensors file, or a file of <c>torch.save</c>. Nothing in a file is ever executed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">Which part of a PyTorch checkpoint; null lets <see cref="TorchReader.Open"/> choose. Safetensors files have no parts.</param>
    /// <exception cref="FileFormatException">The file is damaged, cut short, of neither format, or has no such part.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IWeightsFile Open(string path, string? key = null)
    {
        if (TorchReader.Recognizes(path))
        {
            return TorchReader.Open(path, key);
        }

        return key is null
            ? SafetensorsReader.Open(path)
            : throw new FileFormatException(path, $"is no PyTorch checkpoint, so it has no part '{key}' to choose; leave the key out");
    }
}
