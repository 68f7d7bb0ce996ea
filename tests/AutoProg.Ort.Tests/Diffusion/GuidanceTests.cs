using AutoProg.Ort.Diffusion;

namespace AutoProg.Ort.Tests.Diffusion;

public sealed class GuidanceTests
{
    // Two samples under their class, the same two under none; four channels of noise, four of variance, one pixel.
    private static readonly float[] Output =
    [
        1, 2, 3, 4, 10, 20, 30, 40,
        5, 6, 7, 8, 50, 60, 70, 80,
        0, 1, 1, 2, 11, 21, 31, 41,
        1, 2, 3, 4, 51, 61, 71, 81,
    ];

    [Theory]
    [InlineData(GuidanceForm.Three, new float[] { 4, 5, 9, 4, 10, 20, 30, 40, 17, 18, 19, 8, 50, 60, 70, 80, 4, 5, 9, 2, 11, 21, 31, 41, 17, 18, 19, 4, 51, 61, 71, 81 })]
    [InlineData(GuidanceForm.All, new float[] { 4, 5, 9, 10, 10, 20, 30, 40, 17, 18, 19, 20, 50, 60, 70, 80, 4, 5, 9, 10, 11, 21, 31, 41, 17, 18, 19, 20, 51, 61, 71, 81 })]
    public void Both_halves_get_the_guided_noise_and_keep_their_variances(GuidanceForm form, float[] expected)
    {
        float[] output = [.. Output];
        Guidance.Apply(output, 4, 8, 1, 4, form);
        Assert.Equal(expected, output);
    }

    [Fact]
    public void Scale_1_is_the_class_and_scale_0_is_none()
    {
        float[] output = [.. Output];
        Guidance.Apply(output, 4, 8, 1, 1, GuidanceForm.All);
        Assert.Equal(Output[..16], output[..16]);
        Guidance.Apply(output = [.. Output], 4, 8, 1, 0, GuidanceForm.All);
        Assert.Equal(Output[16..20], output[..4]);
    }

    [Fact]
    public void Images_of_three_channels_are_guided_completely_by_both_forms()
    {
        float[] three = [1, 2, 3, 4, 5, 6, 0, 0, 0, 1, 1, 1], all = [.. three];
        Guidance.Apply(three, 3, 3, 2, 2, GuidanceForm.Three);
        Guidance.Apply(all, 3, 3, 2, 2, GuidanceForm.All);
        Assert.Equal(all, three);
    }

    [Fact]
    public void What_is_no_pair_of_halves_is_refused() => Assert.StartsWith(
        "The output has 24 elements, which is no even number of samples of 8 channels and 1 pixels.",
        Assert.Throws<ArgumentException>(() => Guidance.Apply(Output.AsSpan(8), 4, 8, 1, 4, GuidanceForm.All)).Message,
        StringComparison.Ordinal);
}
