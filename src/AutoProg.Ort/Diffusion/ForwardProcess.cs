using System.Numerics.Tensors;

namespace AutoProg.Ort.Diffusion;

/// <summary>q(x_t | x_0) = N(sqrt(abar_t) x_0, (1 - abar_t) I): adds noise to samples.</summary>
internal static class ForwardProcess
{
    /// <summary>x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise, sample by sample.</summary>
    /// <param name="schedule">The noise schedule.</param>
    /// <param name="clean">x_0, [batch, elements].</param>
    /// <param name="noise">Standard normal, [batch, elements].</param>
    /// <param name="timesteps">[batch], each 0 to <see cref="NoiseSchedule.Steps"/> - 1.</param>
    /// <param name="noisy">x_t, [batch, elements]; may be <paramref name="clean"/> itself.</param>
    /// <exception cref="ArgumentException">The lengths do not fit each other.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The schedule has no such timestep.</exception>
    public static void AddNoise(NoiseSchedule schedule, ReadOnlySpan<float> clean, ReadOnlySpan<float> noise, ReadOnlySpan<long> timesteps, Span<float> noisy)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        if (clean.Length != noise.Length || clean.Length != noisy.Length || timesteps.IsEmpty || clean.Length % timesteps.Length != 0)
        {
            throw new ArgumentException($"{clean.Length} elements, {noise.Length} of noise and {noisy.Length} of the result do not fit {timesteps.Length} samples.", nameof(noise));
        }

        var size = clean.Length / timesteps.Length;
        for (var i = 0; i < timesteps.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(timesteps[i], nameof(timesteps));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(timesteps[i], schedule.Steps, nameof(timesteps));
            var t = (int)timesteps[i];
            var result = noisy.Slice(i * size, size);
            TensorPrimitives.Multiply(clean.Slice(i * size, size), (float)schedule.SqrtAlphasCumprod[t], result);
            TensorPrimitives.MultiplyAdd(noise.Slice(i * size, size), (float)schedule.SqrtOneMinusAlphasCumprod[t], result, result);
        }
    }
}
