using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Diffusion.Latents;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Training;

/// <summary>Hands an autoencoder over as the two files that <see cref="VaeSession"/> opens; they take any batch and any resolution that is a multiple of 4.</summary>
internal static class VaeExport
{
    public const string EncoderFile = "encoder.onnx";
    public const string DecoderFile = "decoder.onnx";

    // Of the graphs that are written; no node depends on it.
    private const int WrittenResolution = 32;

    /// <summary>Writes both files; the decoder last, so that where it is, both are.</summary>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static VaeFiles Write(VaeMicro model, ParameterArena arena, ArenaBuffer weights, string folder)
    {
        Directory.CreateDirectory(folder);
        var files = new VaeFiles(Path.Combine(folder, EncoderFile), Path.Combine(folder, DecoderFile));
        Write(files.Encoder, model.Encoder(WrittenResolution, 1), "encoder");
        Write(files.Decoder, model.Decoder(WrittenResolution, 1), "decoder");
        return files;

        void Write(string path, Graph graph, string name) => Runs.WholeFile.Replace(Runs.RunDisk.Instance, path, OnnxWriter.WriteWithWeights(
            graph,
            $"vae-{name}",
            parameter => Tensor.FromFloats(arena.Layout[parameter].Parameter.Shape, arena.Read(weights, parameter)),
            static (tensor, axis) => axis switch { 0 => "batch", 1 => null, 2 => $"{tensor}_height", _ => $"{tensor}_width" }));
    }
}
