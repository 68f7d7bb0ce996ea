using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Runtime.Memory;

/// <summary>An arena whose memory the processor does not reach does what one on the host does.</summary>
public sealed class ParameterArenaOnDeviceTests : IDisposable
{
    private readonly Device device = Device.OpenCpuThroughRuntime(1);

    [Fact]
    public void Weights_are_drawn_alike()
    {
        using var host = New(null);
        using var elsewhere = New(device);

        AssertSame(host, elsewhere);
        ParameterInitialization.FillGrown(host, new(0, 1), seed: 1, stage: 2);
        ParameterInitialization.FillGrown(elsewhere, new(0, 1), seed: 1, stage: 2);
        AssertSame(host, elsewhere);
    }

    [Theory]
    [InlineData(0, 0, 1, 1, 2, 2)]
    [InlineData(1, 2, 0, 0, 1, 5)]
    [InlineData(1, 3, 5)]
    public void Blocks_move_alike(params int[] sources)
    {
        using var host = New(null);
        using var elsewhere = New(device);
        foreach (var arena in (ParameterArena[])[host, elsewhere])
        {
            arena.Rearrange(0, sources, [new(ArenaBuffer.Ema(0), ArenaBuffer.Weights), ArenaTransfer.Within(ArenaBuffer.Ema(0))]);
            arena.CopyBlock(new(0, 0), new(0, 4), [ArenaTransfer.Within(ArenaBuffer.Weights)]);
            arena.Zero(new(0, 3), [ArenaBuffer.Weights]);
        }

        AssertSame(host, elsewhere);
        elsewhere.ResetEma();
        Assert.Equal(host.Read(ArenaBuffer.Weights, "head.weight").ToArray(), elsewhere.Read(ArenaBuffer.Ema(0), "head.weight").ToArray());
    }

    [Fact]
    public void Files_go_out_and_come_back()
    {
        using var host = New(null);
        using var elsewhere = New(device);
        TestModel.Number(host, ArenaBuffer.Weights);
        var file = host.Tensors(ArenaBuffer.Weights).Where(tensor => tensor.Name != "head.bias").ToDictionary(tensor => tensor.Name, tensor => tensor.Values.ToArray());
        var before = elsewhere.Read(ArenaBuffer.Weights, "head.bias").ToArray();

        var missing = elsewhere.Load(ArenaBuffer.Weights, (name, _, destination) => file.TryGetValue(name, out var values) && values.AsSpan().TryCopyTo(destination));

        Assert.Equal(["head.bias"], missing);
        Assert.Equal(before, elsewhere.Read(ArenaBuffer.Weights, "head.bias").ToArray());
        Assert.All(elsewhere.Tensors(ArenaBuffer.Weights).Where(tensor => tensor.Name != "head.bias"), tensor => Assert.Equal(file[tensor.Name], tensor.Values.ToArray()));
    }

    public void Dispose() => device.Dispose();

    private static ParameterArena New(Device? device)
    {
        var arena = new ParameterArena(TestModel.Blocks(6), new ArenaOptions { MomentCount = 2, EmaDecays = [0.998] }, device);
        ParameterInitialization.Fill(arena, 5);
        arena.ResetEma();
        ParameterInitialization.Fill(arena, 6);
        return arena;
    }

    private static void AssertSame(ParameterArena expected, ParameterArena actual)
    {
        foreach (var buffer in expected.Buffers)
            Assert.Equal(expected[buffer].Read(0, (int)expected.Layout.Length).ToArray(), actual[buffer].Read(0, (int)actual.Layout.Length).ToArray());
    }
}
