using AutoProg.Ort.Files;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>A variational autoencoder as two ONNX files.</summary>
/// <param name="Encoder">
/// Image [N, 3, H, W], -1 to 1, to the moments of the latent: one result [N, 2C, h, w], mean and log-variance one after the other, or two results [N, C, h, w] in that
/// order. All float32.
/// </param>
/// <param name="Decoder">Latent [N, C, h, w], not scaled, to an image [N, 3, H, W].</param>
internal sealed record VaeFiles(string Encoder, string Decoder)
{
    /// <summary>The scale of Stable Diffusion's autoencoder (Rombach et al., CVPR 2022): one over the standard deviation of its latents.</summary>
    public const double StableDiffusionScale = 0.18215;

    /// <summary>Factor on a drawn latent, which the decoder's caller takes off again; positive.</summary>
    public double ScaleFactor { get; init; } = StableDiffusionScale;
}

/// <summary>Encodes images into the moments of latents, and decodes latents. Each file is loaded when it is first needed. One thread at a time.</summary>
internal sealed class VaeSession : IDisposable
{
    private const int ImageChannels = 3;
    private const int TriedSide = 64;

    private readonly Lazy<VaeGraph> encoder;
    private readonly Lazy<VaeGraph> decoder;
    private readonly Lazy<(int Channels, int Factor)> latent;

    /// <summary>Loads nothing yet.</summary>
    /// <param name="device">Where the graphs run.</param>
    /// <param name="files">The autoencoder.</param>
    /// <exception cref="ArgumentOutOfRangeException">The scale is not positive.</exception>
    public VaeSession(Device device, VaeFiles files)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(files);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(files.ScaleFactor, nameof(files));
        Files = files;
        encoder = new(() => VaeGraph.Load(device, files.Encoder));
        decoder = new(() => VaeGraph.Load(device, files.Decoder));
        latent = new(FindLatent);
    }

    /// <summary>The autoencoder.</summary>
    public VaeFiles Files { get; }

    /// <summary>Channels of a latent (C).</summary>
    /// <exception cref="FileFormatException">The encoder is no such model.</exception>
    public int LatentChannels => latent.Value.Channels;

    /// <summary>How many times smaller than the image's the latent's side is.</summary>
    /// <exception cref="FileFormatException">The encoder is no such model.</exception>
    public int Factor => latent.Value.Factor;

    /// <summary>The distribution of the latents of some images.</summary>
    /// <param name="images">[N, 3, r, r], -1 to 1.</param>
    /// <param name="count">N, at least 1.</param>
    /// <param name="resolution">Pixels per side (r).</param>
    /// <exception cref="ArgumentException">There are not as many pixels.</exception>
    /// <exception cref="FileFormatException">The encoder is no such model, or does not take that size.</exception>
    /// <exception cref="IOException">The encoder cannot be read.</exception>
    public LatentMoments Encode(ReadOnlySpan<float> images, int count, int resolution)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(resolution);
        RequireLength(images.Length, count, new LatentShape(ImageChannels, resolution, resolution), nameof(images));
        var graph = encoder.Value;
        var results = graph.Run(images, count, ImageChannels, resolution, resolution);
        var (mean, logVariance) = results switch
        {
            [var moments] when moments.Channels % 2 == 0 => Halves(moments, count),
            [var first, var second] when (first.Channels, first.Height, first.Width) == (second.Channels, second.Height, second.Width) => (first, second),
            _ => throw new FileFormatException(
                graph.Path, $"gives {string.Join(" and ", results.Select(static r => $"'{r.Name}' {Shape(r)}"))}; expected mean and log-variance, as two results of one size or as the halves of one"),
        };
        if (resolution % mean.Height != 0 || mean.Height != mean.Width)
        {
            throw new FileFormatException(graph.Path, $"makes latents of {Shape(mean)} out of {resolution}x{resolution} pixels; the side must be a whole fraction");
        }

        if (decoder.IsValueCreated && decoder.Value.InputChannels is { } expected && expected != mean.Channels)
        {
            throw new FileFormatException(
                graph.Path, $"gives the moments of {mean.Channels} channels, but '{decoder.Value.Path}' takes {expected}; an encoder that draws its latent itself cannot be used: export its moments");
        }

        foreach (ref var value in logVariance.Elements.AsSpan())
        {
            value = Math.Clamp(value, Posterior.LowestLogVariance, Posterior.HighestLogVariance);
        }

        return new LatentMoments(count, Shape(mean), mean.Elements, logVariance.Elements);
    }

    /// <summary>The images of some latents.</summary>
    /// <param name="latents">[N, C, h, w], scaled as <see cref="Posterior.Sample"/> scales them.</param>
    /// <param name="count">N, at least 1.</param>
    /// <param name="shape">Size of one latent.</param>
    /// <returns>[N, 3, H, W], about -1 to 1, not clipped.</returns>
    /// <exception cref="ArgumentException">There are not as many elements.</exception>
    /// <exception cref="FileFormatException">The decoder is no such model, or does not take that size.</exception>
    /// <exception cref="IOException">The decoder cannot be read.</exception>
    public float[] Decode(ReadOnlySpan<float> latents, int count, LatentShape shape)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        RequireLength(latents.Length, count, shape, nameof(latents));
        var unscaled = new float[latents.Length];
        var factor = (float)(1 / Files.ScaleFactor);
        for (var i = 0; i < unscaled.Length; i++)
        {
            unscaled[i] = latents[i] * factor;
        }

        var graph = decoder.Value;
        var results = graph.Run(unscaled, count, shape.Channels, shape.Height, shape.Width);
        return results is [{ Channels: ImageChannels } image]
            ? image.Elements
            : throw new FileFormatException(graph.Path, $"gives {string.Join(" and ", results.Select(static r => $"'{r.Name}' {Shape(r)}"))}; expected one image of {ImageChannels} channels");
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var graph in new[] { encoder, decoder }.Where(static graph => graph.IsValueCreated))
        {
            graph.Value.Dispose();
        }
    }

    /// <summary>Encodes a grey image to see what comes out.</summary>
    private (int Channels, int Factor) FindLatent()
    {
        var side = encoder.Value.InputHeight ?? TriedSide;
        var shape = Encode(new float[ImageChannels * side * side], 1, side).Shape;
        return (shape.Channels, side / shape.Height);
    }

    private static LatentShape Shape(ImageTensor tensor) => new(tensor.Channels, tensor.Height, tensor.Width);

    private static (ImageTensor Mean, ImageTensor LogVariance) Halves(ImageTensor moments, int count)
    {
        var half = moments.Channels / 2 * moments.Height * moments.Width;
        ImageTensor Half(int which)
        {
            var elements = new float[count * half];
            for (var i = 0; i < count; i++)
            {
                moments.Elements.AsSpan(((2 * i) + which) * half, half).CopyTo(elements.AsSpan(i * half));
            }

            return moments with { Channels = moments.Channels / 2, Elements = elements };
        }

        return (Half(0), Half(1));
    }

    private static void RequireLength(int length, int count, LatentShape shape, string name)
    {
        if (length != (long)count * shape.Length)
        {
            throw new ArgumentException($"{count} tensors of {shape} have {(long)count * shape.Length} elements, not {length}.", name);
        }
    }
}
