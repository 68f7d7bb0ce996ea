namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>Size of one latent, [C, h, w].</summary>
/// <param name="Channels">C.</param>
/// <param name="Height">h.</param>
/// <param name="Width">w.</param>
internal readonly record struct LatentShape(int Channels, int Height, int Width)
{
    /// <summary>Elements of one latent.</summary>
    public int Length => Channels * Height * Width;

    /// <summary>E.g. <c>4x8x8</c>.</summary>
    public override string ToString() => $"{Channels}x{Height}x{Width}";
}

/// <summary>What an encoder says of a batch of images: an independent normal distribution for every element of their latents.</summary>
/// <param name="Count">Images (N).</param>
/// <param name="Shape">Size of one latent.</param>
/// <param name="Mean">[N, C, h, w].</param>
/// <param name="LogVariance">[N, C, h, w], -30 to 20.</param>
internal sealed record LatentMoments(int Count, LatentShape Shape, float[] Mean, float[] LogVariance);

/// <summary>The distribution q(z | x) that an encoder gives.</summary>
internal static class Posterior
{
    /// <summary>Bounds of the log-variance, as in latent diffusion: the standard deviation stays between 3e-7 and 2e4.</summary>
    internal const float LowestLogVariance = -30;

    /// <inheritdoc cref="LowestLogVariance" />
    internal const float HighestLogVariance = 20;

    /// <summary>Draws latents: z = (mean + exp(log-variance / 2) noise) scale.</summary>
    /// <param name="mean">Of the posterior.</param>
    /// <param name="logVariance">Of the posterior, as many.</param>
    /// <param name="noise">Standard normal, as many; zeros give the mode.</param>
    /// <param name="scale">Brings latents to about unit size; see <see cref="VaeFiles.ScaleFactor"/>.</param>
    /// <param name="z">As many; may be the memory of the noise.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Sample(ReadOnlySpan<float> mean, ReadOnlySpan<float> logVariance, ReadOnlySpan<float> noise, double scale, Span<float> z)
    {
        if (logVariance.Length != mean.Length || noise.Length != mean.Length || z.Length != mean.Length)
        {
            throw new ArgumentException($"Mean, log-variance, noise and latent have {mean.Length}, {logVariance.Length}, {noise.Length} and {z.Length} elements; they must have as many.", nameof(mean));
        }

        var factor = (float)scale;
        for (var i = 0; i < mean.Length; i++)
        {
            z[i] = (mean[i] + (MathF.Exp(0.5f * logVariance[i]) * noise[i])) * factor;
        }
    }
}
