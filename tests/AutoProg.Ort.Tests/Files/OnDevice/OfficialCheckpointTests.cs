using System.Runtime.InteropServices;
using AutoProg.Ort.Files;
using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Files.OnDevice;

/// <summary>Checkpoints in the layout of the official runtime, which tests of <c>OfficialRuntimeTests</c> compare with that runtime's own files.</summary>
public sealed class OfficialCheckpointTests : InTemporaryFolder
{
    private static readonly OfficialTensor Weight = Floats("fc.weight", [2, 3], 1, -2, 3, 4, 5, 6);
    private static readonly OfficialTensor Bias = Floats("fc.bias", [2], 7, 8);

    private static readonly OfficialCheckpoint Trained = new()
    {
        Learns = [Weight, Bias],
        Frozen = [Floats("norm.running_mean", [3], 0.5f, 0.25f, 0.125f), new OfficialTensor("table", [2], MemoryMarshal.AsBytes<long>([long.MaxValue, -1]).ToArray(), Type: 7), Floats("scale", [], 9)],
        Groups =
        [
            new OfficialGroup("group0", Step: 12_345_678_901, LearningRate: 0.25f, new Dictionary<string, OfficialTensor[]>
            {
                ["fc.weight"] = [Floats("momentum0", [2, 3], 1, 2, 3, 4, 5, 6), Floats("momentum1", [2, 3], 6, 5, 4, 3, 2, 1)],
                ["fc.bias"] = [Floats("momentum0", [2], -1, -2), Floats("momentum1", [2], 3, 4)],
            }),
        ],
        Properties = new Dictionary<string, object> { ["epoch"] = long.MinValue, ["best"] = 0.1f, ["classes"] = "Katze, 犬", ["seed"] = 7L, ["empty"] = "", ["zero"] = 0L },
    };

    private string File => At("checkpoint");

    [Fact]
    public void Parameters_are_read_back_with_what_learns_and_what_is_frozen()
    {
        using var reader = Saved(Trained);

        Assert.Equal(
            [("fc.bias", "[2]"), ("fc.weight", "[2, 3]"), ("norm.running_mean", "[3]"), ("scale", "[]"), ("table", "[2]")],
            reader.Entries.Select(static e => (e.Name, e.Shape.ToString())));
        Assert.Equal(["fc.bias", "fc.weight"], reader.Learnable.Order(StringComparer.Ordinal));
        Assert.Equal([1, -2, 3, 4, 5, 6], Elements(reader, "fc.weight", 6));
        Assert.Equal([0.5f, 0.25f, 0.125f], Elements(reader, "norm.running_mean", 3));
        Assert.Equal([9], Elements(reader, "scale", 1));
        Assert.Equal([long.MaxValue, -1], Elements(reader, "table", 2));
    }

    [Fact]
    public void The_optimizer_s_step_and_moments_are_read_back()
    {
        using var reader = Saved(Trained);

        Assert.Equal(12_345_678_901, reader.OptimizerStep);
        Assert.Equal([1, 2, 3, 4, 5, 6], Moment(reader, 0, "fc.weight", 6));
        Assert.Equal([6, 5, 4, 3, 2, 1], Moment(reader, 1, "fc.weight", 6));
        Assert.Equal([3, 4], Moment(reader, 1, "fc.bias", 2));
    }

    [Fact]
    public void Properties_of_every_kind_are_read_back()
    {
        using var reader = Saved(Trained);

        Assert.Equal(
            [("best", "0.1"), ("classes", "Katze, 犬"), ("empty", ""), ("epoch", "-9223372036854775808"), ("seed", "7"), ("zero", "0")],
            reader.Metadata.OrderBy(static p => p.Key, StringComparer.Ordinal).Select(static p => (p.Key, p.Value)));
    }

    [Fact]
    public void Without_the_optimizer_s_state_there_is_none()
    {
        using var reader = Saved(Trained with { Groups = [], Properties = new Dictionary<string, object>() });

        Assert.Null(reader.OptimizerStep);
        Assert.Empty(reader.Metadata);
        Assert.EndsWith("holds no moment 0 of 'fc.bias'; save the optimizer's state along", Assert.Throws<FileFormatException>(() => Moment(reader, 0, "fc.bias", 2)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Beyond_the_sixteen_bits_of_a_table_nothing_changes()
    {
        var many = Enumerable.Range(0, 3000).Select(static i => Floats($"blocks.{i:0000}.weight", [1, 16], [.. Enumerable.Repeat((float)i, 16)])).ToList();
        using var reader = Saved(new OfficialCheckpoint { Learns = many });

        Assert.Equal(many.Select(static t => t.Name), reader.Entries.Select(static e => e.Name));
        Assert.All(new[] { 0, 1, 1500, 2999 }, i => Assert.Equal(Enumerable.Repeat((float)i, 16), Elements(reader, $"blocks.{i:0000}.weight", 16)));
    }

    [Fact]
    public void Elements_in_a_second_file_are_not_looked_for()
    {
        var error = Assert.Throws<FileFormatException>(() => Saved(Trained with { HasExternalData = true }).Dispose());

        Assert.Equal("keeps its values in another file, which is not read; save a checkpoint below 2 GB", error.Problem);
    }

    [Fact]
    public void A_nominal_checkpoint_has_no_elements()
    {
        var error = Assert.Throws<FileFormatException>(() => Saved(new OfficialCheckpoint { Learns = [Weight with { Elements = [] }], IsNominal = true }).Dispose());

        Assert.Equal("is nominal: it names parameters and holds no values of them; save a complete checkpoint", error.Problem);
    }

    private static OfficialTensor Floats(string name, long[] dims, params float[] values) => new(name, dims, MemoryMarshal.AsBytes<float>(values).ToArray());

    private static float[] Elements(OnDeviceCheckpointReader reader, string name, int count)
    {
        var elements = new float[count];
        reader.Read(name, elements);
        return elements;
    }

    private static float[] Moment(OnDeviceCheckpointReader reader, int moment, string name, int count)
    {
        var elements = new float[count];
        reader.ReadMoment(moment, name, elements);
        return elements;
    }

    private OnDeviceCheckpointReader Saved(OfficialCheckpoint checkpoint)
    {
        System.IO.File.WriteAllBytes(File, checkpoint.Encode());
        return OnDeviceCheckpointReader.Open(File);
    }
}
