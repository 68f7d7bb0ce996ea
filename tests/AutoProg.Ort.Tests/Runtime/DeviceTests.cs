using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Tests.Runtime;

public sealed class DeviceTests
{
    [Fact]
    public void The_device_chooses_how_parameters_are_updated()
    {
        using var cpu = Device.Open("cpu", 1);
        using var elsewhere = Device.OpenCpuThroughRuntime(1);

        Assert.IsType<HostParameterUpdate>(Update(cpu));
        Assert.IsType<GraphParameterUpdate>(Update(elsewhere));

        static IParameterUpdate Update(Device device)
        {
            using var arena = new ParameterArena(TestModel.Blocks(1), new ArenaOptions { MomentCount = 2 }, device);
            using var update = device.CreateUpdate(arena, new AdamW(0));
            return update;
        }
    }

    [Fact]
    public void An_arena_that_lies_elsewhere_is_refused()
    {
        using var cpu = Device.Open("cpu", 1);
        using var elsewhere = Device.OpenCpuThroughRuntime(1);
        using var onHost = new ParameterArena(TestModel.Blocks(1), new ArenaOptions { MomentCount = 2 });
        using var onDevice = new ParameterArena(TestModel.Blocks(1), new ArenaOptions { MomentCount = 2 }, elsewhere);

        AssertMessage("The arena does not lie in the memory of device 'cpu'; make it with that device.", () => elsewhere.CreateUpdate(onHost, new AdamW(0)));
        AssertMessage("The arena lies on a device whose memory the processor does not reach; take what Device.CreateUpdate gives.", () => cpu.CreateUpdate(onDevice, new AdamW(0)));

        static void AssertMessage(string start, Func<IParameterUpdate> act) => Assert.StartsWith(start, Assert.Throws<ArgumentException>(act).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_session_that_would_compute_elsewhere_is_noticed()
    {
        using var cpu = Device.Open("cpu", 1);
        using var session = cpu.Load(Negation(), "negation");
        using var wanted = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, 0, OrtMemType.Default);
        using var actual = new OrtMemoryInfo(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.DeviceAllocator, 0, OrtMemType.Default);

        var error = Assert.Throws<DeviceException>(() => cpu.RequireInputsIn(session, wanted, "negation"));

        Assert.Equal(
            "device 'cpu' was asked for, but 'negation' would run elsewhere: it wants its inputs in the memory 'Cpu', none in 'Cuda'. Check that this build of ONNX Runtime has kernels for the device.",
            error.Message);
        cpu.RequireInputsIn(session, actual, "negation");
    }

    private static byte[] Negation()
    {
        var b = new GraphBuilder();
        b.Output("y", b.Neg(b.Input("x", ElementType.Float, [1])));
        return OnnxWriter.Write(b.Build(), "negation");
    }
}
