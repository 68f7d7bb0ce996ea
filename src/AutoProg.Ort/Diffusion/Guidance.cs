using System.Numerics.Tensors;

namespace AutoProg.Ort.Diffusion;

/// <summary>Which channels of the predicted noise classifier-free guidance changes.</summary>
public enum GuidanceForm
{
    /// <summary>The first three, whatever their number: what DiT's published code does, and its published figures were made with.</summary>
    Three,

    /// <summary>All of them (Ho and Salimans, 2021).</summary>
    All,
}

/// <summary>Classifier-free guidance: eps = eps(null) + scale (eps(class) - eps(null)).</summary>
internal static class Guidance
{
    private const int ReferenceChannels = 3;

    /// <summary>Replaces the guided channels of both halves of a batch; predicted variances stay what they are in their half.</summary>
    /// <param name="output">The network's output, [2B, outputChannels, h, w]: B samples under their class, then the same samples under the null class.</param>
    /// <param name="channels">Channels of a sample.</param>
    /// <param name="outputChannels">Channels of the output, at least as many.</param>
    /// <param name="pixels">h w.</param>
    /// <param name="scale">1 is the prediction under the class, 0 that under the null class; above 1 exaggerates the class.</param>
    /// <param name="form">Which channels.</param>
    /// <exception cref="ArgumentException">The output is not two halves of such samples.</exception>
    public static void Apply(Span<float> output, int channels, int outputChannels, int pixels, double scale, GuidanceForm form)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputChannels, channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pixels);
        var sample = outputChannels * pixels;
        if (output.Length % (2 * sample) != 0)
        {
            throw new ArgumentException($"The output has {output.Length} elements, which is no even number of samples of {outputChannels} channels and {pixels} pixels.", nameof(output));
        }

        var guided = (form == GuidanceForm.Three ? Math.Min(ReferenceChannels, channels) : channels) * pixels;
        var half = output.Length / 2;
        for (var from = 0; from < half; from += sample)
        {
            var conditional = output.Slice(from, guided);
            var unconditional = output.Slice(half + from, guided);
            TensorPrimitives.Subtract(conditional, unconditional, conditional);
            TensorPrimitives.MultiplyAdd(conditional, (float)scale, unconditional, conditional);
            conditional.CopyTo(unconditional);
        }
    }
}
