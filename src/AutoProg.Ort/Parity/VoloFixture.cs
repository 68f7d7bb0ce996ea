using System.Globalization;
using AutoProg.Models;

namespace AutoProg.Ort.Parity;

/// <summary>What a VOLO fixture's <c>model.json</c> says, as far as it is needed.</summary>
/// <param name="Config">Sizes and variants of the model.</param>
/// <param name="Batch">Images.</param>
/// <param name="InputSize">Their side in pixels.</param>
/// <param name="Mode"><c>train</c> or <c>eval</c>.</param>
/// <param name="Loss">Of a training step, what is minimised; null in evaluation.</param>
/// <param name="Float32Check">What limits follow from.</param>
internal sealed record VoloFixture(VoloSizes Config, int Batch, int InputSize, string Mode, string? Loss, Float32Check? Float32Check = null)
{
    public const string Training = "train";

    /// <summary>Limits of this fixture.</summary>
    public Float32Check Limits => Float32Check ?? Float32Check.Unknown;

    /// <summary>Reads the file, and refuses what the engine's VOLO does not compute.</summary>
    public static (VoloFixture Fixture, Volo Model) Read(string folder)
    {
        var fixture = JsonFixture.Read<VoloFixture>(folder, FixtureFamily.File);
        var c = fixture.Config;
        var file = new ModelFixture(folder);
        file.Expect(fixture.Mode is Training or "eval", "mode", fixture.Mode, "train or eval");
        file.Expect(fixture.Mode != Training || fixture.Loss == "token_label_cross_entropy", "loss", fixture.Loss, "token_label_cross_entropy");
        file.Expect(c.InChans == 3, "config.in_chans", c.InChans, "3");
        file.Expect(!c.QkvBias && c.QkScale is null, "config.qkv_bias, config.qk_scale", string.Create(CultureInfo.InvariantCulture, $"{c.QkvBias}, {c.QkScale}"), "false, null");
        file.Expect(Math.Abs(c.NormEps - 1e-5) < 1e-12 && Math.Abs(c.BnEps - 1e-5) < 1e-12, "config.norm_eps, config.bn_eps", string.Create(CultureInfo.InvariantCulture, $"{c.NormEps}, {c.BnEps}"), "1e-5, 1e-5");
        file.Expect(Math.Abs(c.BnMomentum - 0.1) < 1e-12, "config.bn_momentum", c.BnMomentum, "0.1");
        file.Expect(c.Act == "gelu_erf", "config.act", c.Act, "gelu_erf");
        file.Expect(c is { DropRate: 0, AttnDropRate: 0, DropPathRate: 0 }, "config.drop_rate, attn_drop_rate, drop_path_rate", string.Create(CultureInfo.InvariantCulture, $"{c.DropRate}, {c.AttnDropRate}, {c.DropPathRate}"), "0, 0, 0");
        file.Expect(c is { ReturnDense: true, ReturnMean: false }, "config.return_dense, config.return_mean", $"{c.ReturnDense}, {c.ReturnMean}", "true, false");
        file.Expect(c is { OutKernel: 3, OutStride: 2, OutPadding: 1, PoolingScale: 2 }, "config.out_kernel, out_stride, out_padding, pooling_scale", string.Create(CultureInfo.InvariantCulture, $"{c.OutKernel}, {c.OutStride}, {c.OutPadding}, {c.PoolingScale}"), "3, 2, 1, 2");
        file.Expect(c.PostLayers is ["ca", "ca"], "config.post_layers", string.Join(", ", c.PostLayers), "ca, ca");
        file.Expect(c.Layers is [_, _, 0, 0], "config.layers", string.Join(", ", c.Layers), "outlookers, transformer blocks, 0, 0");
        file.Expect(c.EmbedDims is [_, var width, ..] && c.EmbedDims.Skip(1).All(d => d == width), "config.embed_dims", string.Join(", ", c.EmbedDims), "one width of the outlookers, one of all that follows");
        file.Expect(c.NumHeads is [_, var heads, ..] && c.NumHeads.Skip(1).All(h => h == heads), "config.num_heads", string.Join(", ", c.NumHeads), "one number of the outlookers, one of all that follows");
        file.Expect(c.MlpRatios.Count > 0 && c.MlpRatios.All(r => r.Equals(c.MlpRatios[0])), "config.mlp_ratios", string.Join(", ", c.MlpRatios), "one ratio everywhere");
        file.Expect(c.Downsamples is [true, false, false, false] && c.OutlookAttention is [true, false, false, false], "config.downsamples, config.outlook_attention", "others", "true in the first stage only");
        file.ExpectSizes(
            ("img_size", c.ImgSize), ("patch_size", c.PatchSize), ("stem_stride", c.StemStride), ("stem_hidden_dim", c.StemHiddenDim), ("num_classes", c.NumClasses),
            ("embed_dims[0]", c.EmbedDims[0]), ("embed_dims[1]", c.EmbedDims[1]), ("num_heads[0]", c.NumHeads[0]), ("num_heads[1]", c.NumHeads[1]));
        var depth = c.Layers[0] + (long)c.Layers[1];
        file.ExpectScale((int)Math.Min(int.MaxValue, depth), fixture.Batch, c.MlpRatios[0]);
        file.Expect(depth >= 2 && Volo.SplitOf((int)depth)[0] == c.Layers[0], "config.layers", string.Join(", ", c.Layers), "the split of its depth by VOLO's rule");
        var model = file.Create(() => new Volo(new VoloConfig(
            "volo", c.ImgSize, c.PatchSize, c.StemStride, c.StemHiddenDim, c.NumClasses, c.EmbedDims[0], c.NumHeads[0], c.EmbedDims[1], c.NumHeads[1], (int)depth, c.MlpRatios[0])));
        var step = model.ResolutionStep;
        file.Expect(fixture.InputSize > 0 && fixture.InputSize <= 2 * c.ImgSize && fixture.InputSize % step == 0, "input_size", fixture.InputSize, $"a multiple of {step} up to {2 * c.ImgSize}");
        return (fixture, model);
    }
}

/// <summary>Sizes and variants of the model, under the reference's names.</summary>
internal sealed record VoloSizes(
    int ImgSize,
    int PatchSize,
    int StemHiddenDim,
    int StemStride,
    int NumClasses,
    IReadOnlyList<int> Layers,
    IReadOnlyList<int> EmbedDims,
    IReadOnlyList<int> NumHeads,
    IReadOnlyList<double> MlpRatios,
    IReadOnlyList<bool> Downsamples,
    IReadOnlyList<bool> OutlookAttention,
    IReadOnlyList<string> PostLayers,
    int InChans = 3,
    bool QkvBias = false,
    double? QkScale = null,
    double DropRate = 0,
    double AttnDropRate = 0,
    double DropPathRate = 0,
    double NormEps = 1e-5,
    double BnEps = 1e-5,
    double BnMomentum = 0.1,
    string Act = "gelu_erf",
    bool ReturnMean = false,
    bool ReturnDense = true,
    int PoolingScale = 2,
    int OutKernel = 3,
    int OutStride = 2,
    int OutPadding = 1);
