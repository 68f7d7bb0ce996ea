using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Diffusion.Latents;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Data;

namespace AutoProg.Ort.Tests.Diffusion.Latents;

/// <summary>An autoencoder without weights: the mean is the average of 4 x 4 pixels, the log-variance half its negative; the decoder repeats pixels.</summary>
internal static class TestVae
{
    public const int Factor = 4;

    /// <summary>Writes encoder and decoder, and opens them.</summary>
    public static VaeSession Open(TemporaryFolder folder, double scale = 0.5, int? batch = null, int? side = null, bool twoResults = false) => new(
        Device.Open("cpu", 1),
        new VaeFiles(folder.Write("encoder.onnx", Encoder(batch, side, twoResults)), folder.Write("decoder.onnx", Decoder(batch, side)))
        {
            ScaleFactor = scale,
        });

    /// <summary>The average of 4 x 4 pixels of planes.</summary>
    public static float[] Means(ReadOnlySpan<float> planes, int side)
    {
        var small = side / Factor;
        var means = new float[planes.Length / (Factor * Factor)];
        for (var i = 0; i < planes.Length; i++)
        {
            var (plane, row, column) = (i / (side * side), i / side % side, i % side);
            means[(((plane * small) + (row / Factor)) * small) + (column / Factor)] += planes[i] / (Factor * Factor);
        }

        return means;
    }

    /// <summary>A graph of one input whose sizes are fixed where they are given and free elsewhere.</summary>
    public static byte[] Write(int channels, int? batch, int? side, Action<GraphBuilder, Value> build, string input = "image", ElementType type = ElementType.Float)
    {
        var b = new GraphBuilder();
        build(b, b.Input(input, type, [batch ?? 2, channels, side ?? 8, side ?? 8]));
        return OnnxWriter.WriteWithWeights(
            b.Build(), "test", static _ => throw new InvalidOperationException(),
            (tensor, axis) => axis switch { 0 when batch is null => "batch", > 1 when side is null => $"{tensor}_{axis}", _ => null });
    }

    private static byte[] Encoder(int? batch, int? side, bool twoResults) => Write(3, batch, side, (b, image) =>
    {
        var mean = b.AveragePool(image, [Factor, Factor], strides: [Factor, Factor]);
        var logVariance = b.Scale(mean, -0.5);
        if (twoResults)
        {
            b.Output("mean", mean);
            b.Output("logvar", logVariance);
        }
        else
        {
            b.Output("moments", b.Concat(1, mean, logVariance));
        }
    });

    private static byte[] Decoder(int? batch, int? side) => Write(3, batch, side / Factor, static (b, latent) =>
        b.Output("image", b.ConvTranspose(latent, b.Floats([3, 1, Factor, Factor], [.. Enumerable.Repeat(1f, 3 * Factor * Factor)]), strides: [Factor, Factor], groups: 3)), "latent");
}
