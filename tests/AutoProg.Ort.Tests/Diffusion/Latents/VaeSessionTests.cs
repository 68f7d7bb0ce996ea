using AutoProg.Graphs;
using AutoProg.Ort.Diffusion.Latents;
using AutoProg.Ort.Files;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Data;

namespace AutoProg.Ort.Tests.Diffusion.Latents;

public sealed class VaeSessionTests : IDisposable
{
    private static readonly float[] Images = [.. Enumerable.Range(0, 5 * 3 * 64).Select(static i => MathF.Sin(i))];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(null, null, false)]
    [InlineData(2, null, false)]
    [InlineData(8, 8, true)]
    [InlineData(null, 8, true)]
    public void Five_images_are_encoded_and_decoded_whatever_is_fixed_in_the_files(int? batch, int? side, bool twoResults)
    {
        using var vae = TestVae.Open(folder, scale: 0.5, batch, side, twoResults);

        var moments = vae.Encode(Images, 5, 8);

        var means = TestVae.Means(Images, 8);
        Assert.Equal((5, new LatentShape(3, 2, 2)), (moments.Count, moments.Shape));
        Assert.Equal(means, moments.Mean, Close);
        Assert.Equal(means.Select(static mean => -0.5f * mean), moments.LogVariance, Close);

        // Without noise, and with its own scale taken off, a latent is the mean, which the decoder repeats over 4 x 4 pixels.
        var z = new float[means.Length];
        Posterior.Sample(moments.Mean, moments.LogVariance, z, vae.Files.ScaleFactor, z);
        var images = vae.Decode(z, 5, moments.Shape);
        Assert.Equal(Images.Length, images.Length);
        Assert.Equal(means, TestVae.Means(images, 8), Close);
        Assert.Equal(images[0], images[3]);
    }

    [Fact]
    public void A_latent_is_drawn_from_mean_variance_and_noise_and_then_scaled()
    {
        var z = new float[3];
        Posterior.Sample([1, -2, 3], [0, MathF.Log(4), MathF.Log(0.25f)], [0, 1, -2], 0.5, z);
        Assert.Equal([0.5f, 0, 1], z, Close);
        Assert.Throws<ArgumentException>(() => Posterior.Sample([1], [1], [1, 2], 1, new float[1]));
    }

    [Fact]
    public void A_log_variance_out_of_bounds_is_clamped_as_in_latent_diffusion()
    {
        using var vae = Encoder(TestVae.Write(3, null, null, static (b, image) => b.Output("moments", b.Concat(1, image, b.Scale(image, 100)))));

        var moments = vae.Encode([.. Enumerable.Repeat(-1f, 48), .. Enumerable.Repeat(1f, 48), .. Enumerable.Repeat(0f, 96)], 1, 8);

        Assert.Equal((-30f, 20f, 0f), (moments.LogVariance[0], moments.LogVariance[48], moments.LogVariance[96]));
    }

    [Fact]
    public void A_size_that_the_file_does_not_take_is_told_with_the_one_that_it_does()
    {
        using var vae = TestVae.Open(folder, side: 16);
        Assert.Equal(
            $"{vae.Files.Encoder}: takes 16 rows, not 8; export it for that size, or with a free axis",
            Assert.Throws<FileFormatException>(() => vae.Encode(Images, 5, 8)).Message);
        Assert.Equal(
            $"{vae.Files.Decoder}: takes 3 channels, not 4; export it for that size, or with a free axis",
            Assert.Throws<FileFormatException>(() => vae.Decode(new float[64], 1, new LatentShape(4, 4, 4))).Message);
        Assert.StartsWith("5 tensors of 3x16x16 have 3840 elements, not 960.", Assert.Throws<ArgumentException>(() => vae.Encode(Images, 5, 16)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_are_no_autoencoder_are_refused()
    {
        Refused(TestVae.Write(3, null, null, static (b, image) => b.Output("odd", image)), "gives 'odd' 3x8x8; expected mean and log-variance, as two results of one size or as the halves of one");
        Refused(TestVae.Write(3, null, null, static (b, image) => b.Output("flat", b.ReduceMean(image, [2, 3]))), "gives 'flat' as Float [5, 3] for 5 images; expected floats [5, channels, height, width]");
        Refused(TestVae.Write(3, null, null, static (b, image) => b.Output("half", b.Cast(image, ElementType.Double)), type: ElementType.Double), "has inputs image Double [-1, 3, -1, -1]; expected one float input [batch, channels, height, width]");
        Refused(TestVae.Write(3, null, null, static (b, image) => b.Output("m", b.Concat(1, b.Conv(image, b.Floats([4, 3, 3, 3], new float[108]))))), "makes latents of 2x6x6 out of 8x8 pixels; the side must be a whole fraction");
        Refused([1, 2, 3], "cannot be loaded as an ONNX model");

        void Refused(byte[] model, string expected)
        {
            using var vae = Encoder(model);
            Assert.Contains(expected, Assert.Throws<FileFormatException>(() => vae.Encode(Images, 5, 8)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_encoder_that_draws_its_latent_itself_is_told_from_the_decoder()
    {
        // Two channels of moments would be one channel of latent; the decoder wants three.
        var files = TestVae.Open(folder).Files;
        File.WriteAllBytes(files.Encoder, TestVae.Write(3, null, null, static (b, image) => b.Output("sample", b.Slice(image, 1, 0, 2))));
        using var vae = new VaeSession(Device.Open("cpu", 1), files);
        vae.Decode(new float[12], 1, new LatentShape(3, 2, 2));

        Assert.Contains("gives the moments of 1 channels, but", Assert.Throws<FileFormatException>(() => vae.Encode(Images, 5, 8)).Message, StringComparison.Ordinal);
    }

    private static bool Close(float expected, float actual) => Math.Abs(expected - actual) <= 1e-6f;

    private VaeSession Encoder(byte[] model) => new(Device.Open("cpu", 1), new VaeFiles(folder.Write("other.onnx", model), "none"));
}
