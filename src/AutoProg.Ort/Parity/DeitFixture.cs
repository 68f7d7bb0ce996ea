using System.Globalization;
using AutoProg.Models;

namespace AutoProg.Ort.Parity;

/// <summary>What a DeiT fixture's <c>model.json</c> says, as far as it is needed.</summary>
internal sealed record DeitFixture(DeitSizes Config, int Batch, string Loss, WeightsFormula? WeightsFormula = null, Float32Check? Float32Check = null)
{
    /// <summary>Reads the file, and refuses what the engine's DeiT does not compute.</summary>
    public static (DeitFixture Fixture, DeiT Model) Read(string folder)
    {
        var fixture = JsonFixture.Read<DeitFixture>(folder, FixtureFamily.File);
        var c = fixture.Config;
        var file = new ModelFixture(folder);
        file.Expect(fixture.Loss == "soft_target_cross_entropy", "loss", fixture.Loss, "soft_target_cross_entropy");
        file.Expect(c.InChans == 3, "config.in_chans", c.InChans, "3");
        file.Expect(c.QkvBias, "config.qkv_bias", c.QkvBias, "true");
        file.Expect(c.QkScale is null, "config.qk_scale", c.QkScale, "null");
        file.Expect(Math.Abs(c.NormEps - 1e-6) < 1e-12, "config.norm_eps", c.NormEps, "1e-6");
        file.Expect(c.Act == "gelu_erf", "config.act", c.Act, "gelu_erf");
        file.Expect(c.DropRate == 0 && c.AttnDropRate == 0, "config.drop_rate, config.attn_drop_rate", string.Create(CultureInfo.InvariantCulture, $"{c.DropRate}, {c.AttnDropRate}"), "0, 0");
        file.Expect(c.ClassToken && c.RepresentationSize is null, "config.class_token, config.representation_size", $"{c.ClassToken}, {c.RepresentationSize}", "true, null");
        file.ExpectSizes(("img_size", c.ImgSize), ("patch_size", c.PatchSize), ("embed_dim", c.EmbedDim), ("num_heads", c.NumHeads), ("num_classes", c.NumClasses));
        file.ExpectScale(c.Depth, fixture.Batch, c.MlpRatio);
        return (fixture, file.Create(() => new DeiT(new DeiTConfig("deit", c.ImgSize, c.PatchSize, c.NumClasses, c.EmbedDim, c.Depth, c.NumHeads, c.MlpRatio))));
    }
}

/// <summary>Sizes and variants of the model, under the reference's names.</summary>
internal sealed record DeitSizes(
    int ImgSize,
    int PatchSize,
    int NumClasses,
    int EmbedDim,
    int Depth,
    int NumHeads,
    double MlpRatio,
    int InChans = 3,
    bool QkvBias = true,
    double? QkScale = null,
    double NormEps = 1e-6,
    string Act = "gelu_erf",
    double DropRate = 0,
    double AttnDropRate = 0,
    bool ClassToken = true,
    int? RepresentationSize = null);

/// <summary>
/// Weights that are computed instead of stored: element k of tensor number i is 0.1 v with v = 2 u - 1, u = fmix32(k + i 0x9E3779B9) / 2^32 (murmur3's
/// finaliser); weights of layer norms are 1 + 0.1 v, the image is 2 v.
/// </summary>
internal sealed record WeightsFormula(IReadOnlyDictionary<string, uint> Index, IReadOnlyList<string> LayerNormWeights, uint ImageIndex)
{
    private const double Spread = 0.1;
    private const double ImageSpread = 2;

    public void FillWeight(string name, Span<float> elements)
    {
        var centre = LayerNormWeights.Contains(name) ? 1 : 0;
        var index = Index.TryGetValue(name, out var known) ? known : throw new FixtureException($"weights_formula.index has no entry for '{name}'.");
        Fill(index, elements, v => centre + (Spread * v));
    }

    public void FillImage(Span<float> elements) => Fill(ImageIndex, elements, static v => ImageSpread * v);

    private static void Fill(uint index, Span<float> elements, Func<double, double> value)
    {
        var start = unchecked(index * 0x9E3779B9u);
        for (var k = 0; k < elements.Length; k++)
        {
            elements[k] = (float)value((2 * (Mix(unchecked(start + (uint)k)) / 4294967296.0)) - 1);
        }
    }

    private static uint Mix(uint h)
    {
        unchecked
        {
            h ^= h >> 16;
            h *= 0x85EBCA6B;
            h ^= h >> 13;
            h *= 0xC2B2AE35;
            return h ^ (h >> 16);
        }
    }
}
