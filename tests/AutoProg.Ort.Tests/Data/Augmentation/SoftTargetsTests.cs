using AutoProg.Ort.Data.Augmentation;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class SoftTargetsTests
{
    [Fact]
    public void Smoothing_spreads_over_all_classes()
    {
        var targets = new float[4];
        SoftTargets.Write([2], 4, 0.1, 1, targets);
        Assert.Equal([0.025f, 0.025f, 0.925f, 0.025f], targets);
    }

    [Fact]
    public void Mixed_rows_share_their_mass_with_the_mirrored_row()
    {
        var targets = new float[9];
        SoftTargets.Write([0, 1, 2], 3, 0, 0.75, targets);
        Assert.Equal([0.75f, 0, 0.25f, 0, 1, 0, 0.25f, 0, 0.75f], targets);
    }

    [Property]
    public void Rows_add_up_to_one(byte[] labelDraws, byte smoothing, byte lambda)
    {
        int[] labels = [.. labelDraws.Select(draw => draw % 7)];
        var targets = new float[labels.Length * 7];
        SoftTargets.Write(labels, 7, smoothing / 256.0, lambda / 255.0, targets);
        Assert.All(targets.Chunk(7), row => Assert.Equal(1, row.Sum(), 1e-6));
    }
}
