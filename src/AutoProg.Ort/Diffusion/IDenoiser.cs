namespace AutoProg.Ort.Diffusion;

/// <summary>What a diffusion network takes and gives.</summary>
/// <param name="Channels">Channels of a sample.</param>
/// <param name="OutputChannels">Channels of the output: as many, or twice as many with the variance.</param>
/// <param name="Height">Rows of a sample.</param>
/// <param name="Width">Columns of a sample.</param>
/// <param name="ClassCount">Classes; this number itself stands for no class.</param>
/// <param name="StageCount">Stages of the unique stage identifier; this number itself stands for no stage. 0 if the network knows no stages.</param>
internal sealed record DenoiserShape(int Channels, int OutputChannels, int Height, int Width, int ClassCount, int StageCount)
{
    /// <summary>Elements of a sample.</summary>
    public int Elements => Channels * Height * Width;

    /// <summary>Elements of the output for a sample.</summary>
    public int OutputElements => OutputChannels * Height * Width;
}

/// <summary>A trained diffusion network, as far as sampling needs it.</summary>
internal interface IDenoiser
{
    /// <summary>What it takes and gives.</summary>
    DenoiserShape Shape { get; }

    /// <summary>The most samples of one call; at least 2 where guidance is asked for.</summary>
    int MaxBatch { get; }

    /// <summary>Predicts the noise in samples. What is said about one sample must not depend on the others.</summary>
    /// <param name="x">[B, C, h, w] with B from 1 to <see cref="MaxBatch"/>.</param>
    /// <param name="t">[B], timesteps of the complete schedule.</param>
    /// <param name="y">[B], classes; <see cref="DenoiserShape.ClassCount"/> is none.</param>
    /// <param name="s">[B], stages; <see cref="DenoiserShape.StageCount"/> is none.</param>
    /// <param name="output">Receives [B, OutputChannels, h, w].</param>
    void Predict(ReadOnlySpan<float> x, ReadOnlySpan<long> t, ReadOnlySpan<long> y, ReadOnlySpan<long> s, Span<float> output);
}
