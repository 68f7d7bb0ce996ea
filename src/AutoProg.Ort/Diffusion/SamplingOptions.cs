namespace AutoProg.Ort.Diffusion;

/// <summary>How noise is turned into samples.</summary>
public enum SamplerKind
{
    /// <summary>Ancestral sampling: every step draws from p(x_{t-1} | x_t).</summary>
    Ddpm,

    /// <summary>Denoising diffusion implicit models: with eta 0 the first noise decides everything.</summary>
    Ddim,
}

/// <summary>Settings of <see cref="DiffusionSampler"/>.</summary>
internal sealed record SamplingOptions
{
    /// <summary>Sampler.</summary>
    public SamplerKind Sampler { get; init; } = SamplerKind.Ddpm;

    /// <summary>Which timesteps are gone through, as for <see cref="NoiseSchedule.Respace"/>; empty takes all.</summary>
    public string Steps { get; init; } = "50";

    /// <summary>Noise of DDIM's steps, 0 to 1; not used by DDPM.</summary>
    public double Eta { get; init; }

    /// <summary>Strength of classifier-free guidance, 0 to 100. 1 is none, and halves the work.</summary>
    public double CfgScale { get; init; } = 1.5;

    /// <summary>Which channels are guided.</summary>
    public GuidanceForm Guidance { get; init; } = GuidanceForm.Three;

    /// <summary>Where the variance of DDPM's steps comes from if the network does not predict it.</summary>
    public ReverseVariance FixedVariance { get; init; } = ReverseVariance.FixedLarge;

    /// <summary>The stage that the network is told, 0 to stages - 1; null tells it none.</summary>
    public int? Stage { get; init; }

    /// <summary>Whether the predicted x_0 is kept within -1 to 1.</summary>
    public bool ClipDenoised { get; init; }

    /// <summary>Seed of all noise.</summary>
    public long Seed { get; init; }
}

/// <summary>How far sampling has come.</summary>
/// <param name="Finished">Samples that are finished.</param>
/// <param name="Samples">Samples that were asked for.</param>
/// <param name="Step">Steps that the current batch has done, 1 to <paramref name="Steps"/>.</param>
/// <param name="Steps">Steps of every batch.</param>
public sealed record SamplingProgress(int Finished, int Samples, int Step, int Steps);

/// <summary>Finished samples.</summary>
/// <param name="First">Index of the first among all that were asked for.</param>
/// <param name="Labels">Their classes.</param>
/// <param name="Samples">[count, C, h, w].</param>
public sealed record SampleBatch(int First, IReadOnlyList<int> Labels, float[] Samples);
