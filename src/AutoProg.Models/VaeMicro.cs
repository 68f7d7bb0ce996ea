using AutoProg.Graphs;
using AutoProg.Graphs.Passes;

namespace AutoProg.Models;

/// <summary>An autoencoder's forward graph: an image in, an image out, through a latent that is drawn.</summary>
/// <param name="Builder">The graph, still open: a loss and gradients may be added.</param>
/// <param name="Parameters">The parameters it declares, in graph order.</param>
/// <param name="Input">[batch, 3, r, r].</param>
/// <param name="Output">[batch, 3, r, r].</param>
/// <param name="Mean">Mean of the latent [batch, C, h, w].</param>
/// <param name="LogVariance">Logarithm of its variance, of the same size.</param>
public sealed record VaeModelGraph(GraphBuilder Builder, IReadOnlyList<Parameter> Parameters, Value Input, Value Output, Value Mean, Value LogVariance)
    : ModelGraph(Builder, Parameters, Input, Output);

/// <summary>Sizes of a <see cref="VaeMicro"/>.</summary>
/// <param name="ImgSize">Pixels per side of the images that it is trained on, a multiple of 4.</param>
/// <param name="BlockOutChannels">Channels at full, half and quarter size of the image.</param>
/// <param name="LatentChannels">Channels of the latent (C).</param>
/// <param name="LayersPerBlock">Residual pairs of convolutions at half and at quarter size.</param>
/// <param name="NumClasses">Classes of the images that it is trained on; nothing in it depends on them.</param>
public sealed record VaeMicroConfig(int ImgSize, IReadOnlyList<int> BlockOutChannels, int LatentChannels = 4, int LayersPerBlock = 1, int NumClasses = 1)
{
    /// <summary>A quarter of a million parameters, for 32 x 32 pixels on CPUs.</summary>
    public static VaeMicroConfig Default { get; } = new(32, [16, 32, 64]);
}

/// <summary>
/// A small variational autoencoder (Kingma and Welling, ICLR 2014) in the form of latent diffusion (Rombach et al., CVPR 2022): image [-1, 1] to a normal distribution per
/// element of a latent a quarter as large, and back. Convolutions and SiLU alone, no attention and no group norm, so no node depends on the image's size: one file
/// serves every resolution. Not the architecture of Stable Diffusion's autoencoder; it takes its place where that one is too slow.
/// </summary>
public sealed class VaeMicro : IElasticModel
{
    /// <summary>Its name in the catalogue.</summary>
    public const string VariantName = "vae_micro";

    /// <summary>Name of the encoder's and the whole graph's input, and of the decoder's output: [B, 3, r, r], -1 to 1.</summary>
    public const string Image = "image";

    /// <summary>Name of the encoder's output: mean and log-variance one after the other, [B, 2C, r/4, r/4].</summary>
    public const string Moments = "moments";

    /// <summary>Name of the decoder's input: [B, C, r/4, r/4], not scaled.</summary>
    public const string Latent = "latent";

    /// <summary>Name of the whole graph's second input: standard normal noise, or zeros for the latent's mean, [B, C, r/4, r/4].</summary>
    public const string Noise = "noise";

    /// <summary>Name of the whole graph's output: the image that the latent stands for, [B, 3, r, r].</summary>
    public const string Reconstruction = "reconstruction";

    /// <summary>How many times smaller than the image the latent is.</summary>
    public const int Factor = 4;

    // The bounds of latent diffusion's log-variance.
    private const double LowestLogVariance = -30;
    private const double HighestLogVariance = 20;

    // A standard deviation of 0.14.
    private const double FirstLogVariance = -4;

    // Keeps the size of the signal from layer to layer (He et al., ICCV 2015); there is no normalisation that would.
    private const double Gain = 1.4142135623730951;

    private const int ImageChannels = 3;
    private const string EncoderScope = "encoder";
    private const string DecoderScope = "decoder";

    private readonly VaeMicroConfig config;

    /// <summary>Creates the architecture.</summary>
    /// <exception cref="ArgumentException">There are not three channel counts.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive.</exception>
    public VaeMicro(VaeMicroConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.BlockOutChannels.Count != 3)
        {
            throw new ArgumentException($"block_out_channels has {config.BlockOutChannels.Count} entries; three are needed: full, half and quarter size.", nameof(config));
        }

        CheckResolution(config.ImgSize);
        foreach (var size in config.BlockOutChannels.Append(config.LatentChannels).Append(config.LayersPerBlock))
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size, nameof(config));
        }

        this.config = config;
        Parameters = Build(Factor, 1, 1, ModelGraphOptions.Inference).Parameters;
    }

    /// <summary>Sizes.</summary>
    public VaeMicroConfig Config => config;

    /// <inheritdoc />
    public string Name => VariantName;

    /// <inheritdoc />
    public int ClassCount => config.NumClasses;

    /// <inheritdoc />
    public int InputChannels => ImageChannels;

    /// <inheritdoc />
    public int MaxResolution => config.ImgSize;

    /// <inheritdoc />
    /// <remarks>It has no blocks that could be left away.</remarks>
    public int MaxDepth => 1;

    /// <inheritdoc />
    public int ResolutionStep => Factor;

    /// <inheritdoc />
    public bool HasDropPath => false;

    /// <inheritdoc />
    public string OutputName => Reconstruction;

    /// <summary>Every parameter of encoder and decoder.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <inheritdoc />
    public string BlockPrefix(BlockAddress block) => throw new ArgumentOutOfRangeException(nameof(block), block, "The autoencoder has no blocks.");

    /// <inheritdoc />
    public IReadOnlyList<int> SplitDepth(int depth)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(depth, MaxDepth);
        return [];
    }

    /// <inheritdoc />
    public ModelGraph Build(int resolution, int depth, int batch, ModelGraphOptions options)
    {
        SplitDepth(depth);
        CheckResolution(resolution);
        var m = new ModelBuilder();
        var b = m.Graph;
        var image = b.Input(Image, ElementType.Float, [batch, ImageChannels, resolution, resolution]);
        var noise = b.Input(Noise, ElementType.Float, [batch, config.LatentChannels, resolution / Factor, resolution / Factor]);
        var (mean, logVariance) = Encode(m, image);

        // The latent is a function of the noise, so that the gradient reaches mean and variance (eq. 10 of Kingma and Welling).
        var latent = b.Add(mean, b.Mul(b.Exp(b.Scale(logVariance, 0.5)), noise));
        return new VaeModelGraph(b, m.Parameters, image, Decode(m, latent), mean, logVariance);
    }

    /// <summary>The encoder: <see cref="Image"/> to <see cref="Moments"/>.</summary>
    /// <param name="resolution">Pixels per side, a multiple of 4.</param>
    /// <param name="batch">Images per run.</param>
    /// <exception cref="ArgumentException">The resolution is no positive multiple of 4.</exception>
    public Graph Encoder(int resolution, int batch)
    {
        CheckResolution(resolution);
        var m = new ModelBuilder();
        var (mean, logVariance) = Encode(m, m.Graph.Input(Image, ElementType.Float, [batch, ImageChannels, resolution, resolution]));
        m.Graph.Output(Moments, m.Graph.Concat(1, mean, logVariance));
        return Pass.Standard(m.Graph.Build());
    }

    /// <summary>The decoder: <see cref="Latent"/> to <see cref="Image"/>.</summary>
    /// <param name="resolution">Pixels per side of the image, a multiple of 4.</param>
    /// <param name="batch">Images per run.</param>
    /// <exception cref="ArgumentException">The resolution is no positive multiple of 4.</exception>
    public Graph Decoder(int resolution, int batch)
    {
        CheckResolution(resolution);
        var m = new ModelBuilder();
        m.Graph.Output(Image, Decode(m, m.Graph.Input(Latent, ElementType.Float, [batch, config.LatentChannels, resolution / Factor, resolution / Factor])));
        return Pass.Standard(m.Graph.Build());
    }

    private (Value Mean, Value LogVariance) Encode(ModelBuilder m, Value image)
    {
        using var scope = m.Scope(EncoderScope);
        var b = m.Graph;
        var channels = config.BlockOutChannels;
        var x = Convolution(m, "conv_in", image, channels[0]);                                     // [B, c0, r, r]
        x = Convolution(m, "down_blocks.0.conv", Silu(b, x), channels[1], stride: 2);              // [B, c1, r/2, r/2]
        x = Residual(m, "down_blocks.0", x);
        x = Convolution(m, "down_blocks.1.conv", Silu(b, x), channels[2], stride: 2);              // [B, c2, r/4, r/4]
        x = Silu(b, Residual(m, "down_blocks.1", x));
        var mean = Convolution(m, "conv_mean", x, config.LatentChannels);                          // [B, C, r/4, r/4]

        // Little noise at first, so that the decoder sees what the encoder says; the divergence then raises it.
        var logVariance = Convolution(m, "conv_log_variance", x, config.LatentChannels, gain: 0, bias: FirstLogVariance);
        return (mean, b.Clip(logVariance, b.Scalar((float)LowestLogVariance), b.Scalar((float)HighestLogVariance)));
    }

    private Value Decode(ModelBuilder m, Value latent)
    {
        using var scope = m.Scope(DecoderScope);
        var b = m.Graph;
        var channels = config.BlockOutChannels;
        var x = Convolution(m, "conv_in", latent, channels[2]);                                    // [B, c2, r/4, r/4]
        x = Residual(m, "up_blocks.0", x);
        x = Doubling(m, "up_blocks.0.conv", Silu(b, x), channels[1]);                              // [B, c1, r/2, r/2]
        x = Residual(m, "up_blocks.1", x);
        x = Doubling(m, "up_blocks.1.conv", Silu(b, x), channels[0]);                              // [B, c0, r, r]
        return Convolution(m, "conv_out", Silu(b, x), ImageChannels);                              // [B, 3, r, r]
    }

    /// <summary>x + conv(silu(conv(silu(x)))), once per layer; the identity at first.</summary>
    private Value Residual(ModelBuilder m, string name, Value x)
    {
        for (var i = 0; i < config.LayersPerBlock; i++)
        {
            using var scope = m.Scope($"{name}.resnets.{i}");
            var branch = Convolution(m, "conv1", Silu(m.Graph, x), x.Shape[1]);
            x = m.Graph.Add(x, Convolution(m, "conv2", Silu(m.Graph, branch), x.Shape[1], gain: 0));
        }

        return x;
    }

    /// <summary>3 x 3 pixels, zeros around the image.</summary>
    private static Value Convolution(ModelBuilder m, string name, Value x, long outChannels, long stride = 1, double gain = Gain, double bias = 0)
    {
        const long kernel = 3;
        using var scope = m.Scope(name);
        var weight = m.Parameter("weight", [outChannels, x.Shape[1], kernel, kernel], Draw(gain, x.Shape[1] * kernel * kernel), weightDecay: true);
        return m.Graph.Conv(x, weight, m.Parameter("bias", [outChannels], new Initializer.Constant(bias)), strides: [stride, stride], pads: [1, 1, 1, 1]);
    }

    /// <summary>Twice the size by a transposed convolution of 4 x 4 pixels, of which four reach each pixel of the result.</summary>
    private static Value Doubling(ModelBuilder m, string name, Value x, long outChannels)
    {
        using var scope = m.Scope(name);
        var weight = m.Parameter("weight", [x.Shape[1], outChannels, 4, 4], Draw(Gain, x.Shape[1] * 4), weightDecay: true);
        return m.Graph.ConvTranspose(x, weight, m.Parameter("bias", [outChannels], Initializer.Zeros), strides: [2, 2], pads: [1, 1, 1, 1]);
    }

    private static Initializer Draw(double gain, double fanIn) => gain == 0 ? Initializer.Zeros : new Initializer.Normal(gain / Math.Sqrt(fanIn));

    /// <summary>x sigmoid(x), in operators that every runtime has.</summary>
    private static Value Silu(GraphBuilder b, Value x) => b.Mul(x, b.Sigmoid(x));

    private static void CheckResolution(int resolution)
    {
        if (resolution <= 0 || resolution % Factor != 0)
        {
            throw new ArgumentException($"Resolution {resolution} is not a positive multiple of {Factor}.", nameof(resolution));
        }
    }
}
