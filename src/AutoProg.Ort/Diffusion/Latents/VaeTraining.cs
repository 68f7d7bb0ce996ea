using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>What a step of a variational autoencoder found, before its update.</summary>
/// <param name="Loss">Reconstruction plus weighted divergence.</param>
/// <param name="Reconstruction">Mean squared error of the pixels on the scale -1 to 1.</param>
/// <param name="Divergence">Kullback-Leibler divergence per element of the latent.</param>
/// <param name="GradientNorm">L2 norm before clipping.</param>
public readonly record struct VaeStepResult(double Loss, double Reconstruction, double Divergence, double GradientNorm);

/// <summary>Trains a <see cref="VaeMicro"/> step by step at one resolution and batch size, and exports it. Random numbers are the caller's.</summary>
public sealed class VaeTraining : IDisposable
{
    // Of the graphs that are written; no node depends on it.
    private const int WrittenResolution = 32;

    private readonly VaeMicro model;
    private readonly StepSession session;
    private readonly IParameterUpdate update;
    private readonly ArenaSelection everything;

    /// <summary>Draws fresh weights and loads the training graph.</summary>
    /// <param name="model">The architecture.</param>
    /// <param name="device">Where it runs; outlives this.</param>
    /// <param name="resolution">Pixels per side, a multiple of 4.</param>
    /// <param name="batch">Images per step.</param>
    /// <param name="seed">Of the weights.</param>
    /// <param name="rule">How gradients become new weights; null is AdamW without weight decay.</param>
    /// <param name="divergenceWeight">As in <see cref="VaeMicro.Training"/>.</param>
    public VaeTraining(VaeMicro model, Device device, int resolution, int batch, long seed, UpdateRule? rule = null, double divergenceWeight = 1e-4)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(device);
        this.model = model;
        rule ??= new AdamW(weightDecay: 0);
        var (bytes, manifest) = model.Training(resolution, batch, divergenceWeight).Write($"vae-r{resolution}-b{batch}");
        Arena = new ParameterArena(model.Parameters, new ArenaOptions { MomentCount = rule.MomentCount }, device);
        ParameterInitialization.Fill(Arena, seed);
        everything = Arena.Layout.Select(static _ => true);
        update = device.CreateUpdate(Arena, rule);
        session = new StepSession(device, bytes, manifest);
        session.Bind(Arena, everything);
        LatentShape = new LatentShape(model.Config.LatentChannels, resolution / VaeMicro.Factor, resolution / VaeMicro.Factor);
    }

    /// <summary>The weights.</summary>
    public ParameterArena Arena { get; }

    /// <summary>Size of one latent.</summary>
    public LatentShape LatentShape { get; }

    /// <summary>One update.</summary>
    /// <param name="images">[B, 3, r, r], -1 to 1.</param>
    /// <param name="noise">[B, C, r/4, r/4], standard normal.</param>
    /// <param name="learningRate">Of this update.</param>
    /// <param name="clipNorm">Largest gradient norm; null does not clip.</param>
    /// <returns>What was found; where loss or norm is not finite, nothing was updated.</returns>
    /// <exception cref="ArgumentException">There are not as many pixels or numbers.</exception>
    public VaeStepResult Step(ReadOnlySpan<float> images, ReadOnlySpan<float> noise, double learningRate, double? clipNorm = 1)
    {
        Feed(VaeMicro.Image, images);
        Feed(VaeMicro.Noise, noise);
        session.Run();
        var norm = update.Norm(everything);
        if (float.IsFinite(session.Loss) && double.IsFinite(norm))
        {
            update.Step(everything, learningRate, clipNorm is { } limit ? GradientNorm.ClipFactor(norm, limit) : 1);
        }

        return new VaeStepResult(session.Loss, session.Tensor(VaeMicro.Reconstruction)[0], session.Tensor(VaeMicro.Divergence)[0], norm);
    }

    /// <summary>Writes <c>encoder.onnx</c> and <c>decoder.onnx</c>, which take any batch and any resolution that is a multiple of 4.</summary>
    /// <param name="folder">Created if it is missing.</param>
    /// <exception cref="IOException">The files cannot be written.</exception>
    public VaeFiles Export(string folder)
    {
        Directory.CreateDirectory(folder);
        var files = new VaeFiles(Path.Combine(folder, "encoder.onnx"), Path.Combine(folder, "decoder.onnx"));
        File.WriteAllBytes(files.Encoder, Write(model.Encoder(WrittenResolution, 1), "encoder"));
        File.WriteAllBytes(files.Decoder, Write(model.Decoder(WrittenResolution, 1), "decoder"));
        return files;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        session.Dispose();
        update.Dispose();
        Arena.Dispose();
    }

    private byte[] Write(Graph graph, string name) => OnnxWriter.WriteWithWeights(
        graph,
        $"vae-{name}",
        parameter => Tensor.FromFloats(Arena.Layout[parameter].Parameter.Shape, Arena.Read(ArenaBuffer.Weights, parameter)),
        static (tensor, axis) => axis switch { 0 => "batch", 1 => null, 2 => $"{tensor}_height", _ => $"{tensor}_width" });

    private void Feed(string name, ReadOnlySpan<float> values)
    {
        var target = session.Tensor(name);
        if (values.Length != target.Length)
        {
            throw new ArgumentException($"'{name}' has {target.Length} elements, not {values.Length}.", nameof(values));
        }

        values.CopyTo(target);
    }
}
