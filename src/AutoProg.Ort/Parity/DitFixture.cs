using AutoProg.Models;
using AutoProg.Ort.Diffusion;

namespace AutoProg.Ort.Parity;

/// <summary>What a DiT fixture's <c>model.json</c> says, as far as it is needed; folders of every kind (see <see cref="FixtureFamily.KindOf"/>) have one.</summary>
/// <param name="Config">Sizes and variants of the model.</param>
/// <param name="Batch">Samples.</param>
/// <param name="InputSize">Side of the samples.</param>
/// <param name="Loss">Of a training step, what is minimised.</param>
/// <param name="Diffusion">The noise.</param>
/// <param name="UnfreezeLevels">Level to the names of learnable parameters.</param>
/// <param name="Float32Check">What limits follow from.</param>
internal sealed record DitFixture(
    DitSizes Config,
    int Batch,
    int InputSize,
    string? Loss = null,
    DitDiffusion? Diffusion = null,
    Dictionary<string, string[]>? UnfreezeLevels = null,
    Float32Check? Float32Check = null)
{
    /// <summary>A buffer among the weights that the engine has as a constant.</summary>
    public const string PositionBuffer = "pos_embed";

    /// <summary>Limits of this fixture.</summary>
    public Float32Check Limits => Float32Check ?? Float32Check.Unknown;

    /// <summary>Reads the file, and refuses what the engine's DiT does not compute.</summary>
    public static (DitFixture Fixture, DiT Model) Read(string folder)
    {
        var fixture = JsonFixture.Read<DitFixture>(folder, FixtureFamily.File);
        var c = fixture.Config;
        var file = new ModelFixture(folder);
        file.Expect(Math.Abs(c.NormEps - 1e-6) < 1e-12, "config.norm_eps", c.NormEps, "1e-6");
        file.Expect(!c.NormAffine, "config.norm_affine", c.NormAffine, "false");
        file.Expect(c.Act == "gelu_tanh", "config.act", c.Act, "gelu_tanh");
        file.Expect(c.FrequencyEmbeddingSize == 256, "config.frequency_embedding_size", c.FrequencyEmbeddingSize, "256");
        file.Expect(c.MaxPeriod.Equals(10_000), "config.max_period", c.MaxPeriod, "10000");
        file.Expect(c.QkvBias, "config.qkv_bias", c.QkvBias, "true");
        file.Expect(c.NumStages is >= 0 and <= 1000, "config.num_stages", c.NumStages, "0 to 1000");
        file.ExpectSizes(
            ("input_size", c.InputSize), ("patch_size", c.PatchSize), ("in_channels", c.InChannels), ("hidden_size", c.HiddenSize), ("num_heads", c.NumHeads), ("num_classes", c.NumClasses));
        file.ExpectScale(c.Depth, fixture.Batch, c.MlpRatio);
        file.Expect(fixture.InputSize >= c.PatchSize && fixture.InputSize <= 2 * c.InputSize && fixture.InputSize % c.PatchSize == 0, "input_size", fixture.InputSize, $"a multiple of {c.PatchSize} up to {2 * c.InputSize}");
        return (fixture, file.Create(() => new DiT(new DiTConfig(
            "dit", c.InputSize, c.PatchSize, c.InChannels, c.HiddenSize, c.Depth, c.NumHeads, c.NumClasses, c.MlpRatio, c.LearnSigma, c.NumStages))));
    }

    /// <summary>The complete noise schedule of <see cref="Diffusion"/>.</summary>
    /// <exception cref="FixtureException">There is none, or it is not among the engine's.</exception>
    public NoiseSchedule Schedule(string folder)
    {
        var file = new ModelFixture(folder);
        file.Expect(Diffusion is not null, "diffusion", null, "steps and schedule");
        file.Expect(Diffusion!.Steps is >= 2 and <= DiT.Timesteps, "diffusion.steps", Diffusion.Steps, $"2 to {DiT.Timesteps}");
        file.Expect(Diffusion.Schedule is "linear" or "cosine", "diffusion.schedule", Diffusion.Schedule, "linear or cosine");
        return NoiseSchedule.Create(Diffusion.Schedule == "linear" ? BetaSchedule.Linear : BetaSchedule.Cosine, Diffusion.Steps);
    }

    /// <summary>Labels or stages as the network sees them: the null row where they are dropped.</summary>
    /// <param name="inputs">Holds <paramref name="name"/>, int64 [batch], and may hold <paramref name="dropped"/>, [batch].</param>
    /// <param name="name">Tensor of the indices.</param>
    /// <param name="dropped">Tensor that tells which ones are dropped.</param>
    /// <param name="nullRow">The row behind the last index.</param>
    public long[] ReadConditions(TensorFixture inputs, string name, string dropped, int nullRow)
    {
        var indices = inputs.ReadIndices(name, [Batch], nullRow + 1);
        var drops = inputs.Has(dropped) ? inputs.Read(dropped, [Batch]) : new float[Batch];
        return [.. indices.Zip(drops, (index, drop) => drop != 0 ? nullRow : index)];
    }
}

/// <summary>Sizes and variants of the model, under the reference's names.</summary>
internal sealed record DitSizes(
    int InputSize,
    int PatchSize,
    int InChannels,
    int HiddenSize,
    int Depth,
    int NumHeads,
    int NumClasses,
    double MlpRatio = 4,
    bool LearnSigma = true,
    int NumStages = 0,
    double NormEps = 1e-6,
    bool NormAffine = false,
    string Act = "gelu_tanh",
    int FrequencyEmbeddingSize = 256,
    double MaxPeriod = 10_000,
    bool QkvBias = true);

/// <summary>The noise, under the reference's names.</summary>
internal sealed record DitDiffusion(int Steps, string Schedule, string TimestepRespacing = "", string MeanType = "epsilon", string VarType = "learned_range", string LossType = "mse");
