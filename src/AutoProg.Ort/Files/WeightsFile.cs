using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Files.Torch;

namespace AutoProg.Ort.Files;

/// <summary>Opens files of weights by what they hold, not by what they are called.</summary>
public static class WeightsFile
{
    /// <summary>Opens a safetensors file, a file of <c>torch.save</c>, or a checkpoint of ONNX Runtime's on-device training. Nothing in a file is ever executed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">Which part of a PyTorch checkpoint; null lets <see cref="TorchReader.Open"/> choose. The others have no parts.</param>
    /// <exception cref="FileFormatException">The file is damaged, cut short, of none of these formats, or has no such part.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IWeightsFile Open(string path, string? key = null)
    {
        if (TorchReader.Recognizes(path))
        {
            return TorchReader.Open(path, key);
        }

        if (key is not null)
        {
            throw new FileFormatException(path, $"is no PyTorch checkpoint, so it has no part '{key}' to choose; leave the key out");
        }

        return OnDeviceCheckpointReader.Recognizes(path) ? OnDeviceCheckpointReader.Open(path) : SafetensorsReader.Open(path);
    }
}
