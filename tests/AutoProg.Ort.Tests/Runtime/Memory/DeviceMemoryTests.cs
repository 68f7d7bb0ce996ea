using AutoProg.Graphs;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Runtime.Memory;

/// <summary>What every memory promises, the host's and one that only ONNX Runtime reaches.</summary>
public sealed class DeviceMemoryTests : IDisposable
{
    // Longer than the longest piece of a copy, which is tiny in Debug builds, and no multiple of it.
#if DEBUG
    private const int Long = 3037;
#else
    private const int Long = (1 << 22) + 37;
#endif

    private readonly Device host = Device.Open("cpu", 1);
    private readonly Device runtime = Device.OpenCpuThroughRuntime(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Memory_starts_out_zero_even_where_other_values_were(bool throughRuntime)
    {
        for (var repetition = 0; repetition < 2; repetition++)
        {
            using var buffer = New(throughRuntime, 1001);
            Assert.Equal(-1, buffer.Read(0, 1001).IndexOfAnyExcept(0f));
            buffer.Fill(0, 1001, static values => values.Fill(7));
        }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 1000)]
    [InlineData(true, 1)]
    [InlineData(true, 1000)]
    [InlineData(true, Long)]
    public void What_is_uploaded_is_downloaded_and_neighbours_stay(bool throughRuntime, int length)
    {
        using var buffer = New(throughRuntime, length + 2);
        var values = Numbers(length);

        buffer.Upload(1, values);

        var read = new float[length + 2];
        buffer.Download(0, read);
        Assert.True(read.AsSpan(1, length).SequenceEqual(values));
        Assert.Equal((0, 0), (read[0], read[^1]));
        Assert.True(buffer.Read(1, length).SequenceEqual(values));
    }

    [Theory]
    [InlineData(false, 0, 2)]
    [InlineData(false, 2, 0)]
    [InlineData(true, 0, 2)]
    [InlineData(true, 2, 0)]
    [InlineData(true, 0, 45)]
    [InlineData(true, 3, 3)]
    public void Copies_keep_the_old_values_even_where_they_overlap(bool throughRuntime, int from, int to)
    {
        using var buffer = New(throughRuntime, 90);
        var expected = Numbers(90);
        buffer.Upload(0, expected);

        buffer.CopyFrom(buffer, from, to, 45);

        expected.AsSpan(from, 45).CopyTo(expected.AsSpan(to, 45));
        Assert.Equal(expected, buffer.Read(0, 90).ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Clearing_stops_at_its_ends(bool throughRuntime)
    {
        using var buffer = New(throughRuntime, 50);
        buffer.Upload(0, Numbers(50));

        buffer.Clear(1, 48);

        Assert.Equal([1, .. new float[48], 50], buffer.Read(0, 50).ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Filling_that_is_declined_leaves_the_elements_alone(bool throughRuntime)
    {
        using var buffer = New(throughRuntime, 4);
        buffer.Upload(0, Numbers(4));

        Assert.False(buffer.TryFill(1, 2, static _ => false));
        Assert.Equal([1, 2, 3, 4], buffer.Read(0, 4).ToArray());
        buffer.Fill(1, 2, static values => values.Fill(9));
        Assert.Equal([1, 9, 9, 4], buffer.Read(0, 4).ToArray());
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Buffers_copy_from_one_another_wherever_they_lie(bool fromRuntime, bool toRuntime)
    {
        using var from = New(fromRuntime, 40);
        using var to = New(toRuntime, 40);
        from.Upload(0, Numbers(40));

        to.CopyFrom(from);
        to.CopyFrom(from, 0, 20, 3);

        Assert.Equal([.. Numbers(20), 1, 2, 3, .. Numbers(40)[23..]], to.Read(0, 40).ToArray());
    }

    [Fact]
    public void A_view_shows_the_memory_of_the_device()
    {
        using var buffer = New(throughRuntime: true, 64);
        using var view = buffer.View(16, Shape.Of(2, 3));

        buffer.Upload(16, Numbers(6));

        Assert.Equal([1, 2, 3, 4, 5, 6], view.GetTensorDataAsSpan<float>().ToArray());
    }

    [Fact]
    public void A_span_of_another_device_is_refused()
    {
        using var buffer = New(throughRuntime: true, 4);

        var error = Assert.Throws<InvalidOperationException>(() => buffer.Span(0, 4).Length);

        Assert.Equal("The buffer lies in the memory 'Cpu' of another device, which the processor does not reach; use Read, Upload, Download or Fill.", error.Message);
        Assert.False(buffer.IsHost);
    }

    [Fact]
    public void Two_devices_do_not_copy_from_one_another()
    {
        using var other = Device.OpenCpuThroughRuntime(1);
        using var from = new FlatBuffer(4, other.Memory);
        using var to = New(throughRuntime: true, 4);

        var error = Assert.Throws<InvalidOperationException>(() => to.CopyFrom(from));

        Assert.Equal("The memory 'Cpu' of one device cannot be copied to 'Cpu' of another; copy by way of a buffer on the host.", error.Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_range_outside_the_buffer_is_refused(bool throughRuntime)
    {
        using var buffer = New(throughRuntime, 4);

        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Upload(1, new float[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Download(-1, new float[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Fill(4, 1, static _ => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Read(0, 5).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Clear(0, 5));
    }

    [Fact]
    public void More_than_ONNX_Runtime_hands_out_at_once_is_refused()
    {
        var error = Assert.Throws<DeviceException>(() => New(throughRuntime: true, 1L << 30));

        Assert.Equal("out of memory: a tensor buffer of 4096.0 MiB exceeds the 4096 MiB that ONNX Runtime hands out at once on device 'cpu'. Use a smaller model.", error.Message);
    }

    [Fact]
    public void Threads_may_write_their_ranges_at_once()
    {
        using var buffer = New(throughRuntime: true, 64 * 50);

        Parallel.For(0, 64, i => buffer.Fill(i * 50, 50, values => values.Fill(i)));

        Assert.Equal(Enumerable.Range(0, 64).SelectMany(i => Enumerable.Repeat((float)i, 50)), buffer.Read(0, 64 * 50).ToArray());
    }

    public void Dispose()
    {
        host.Dispose();
        runtime.Dispose();
    }

    private static float[] Numbers(int count) => [.. Enumerable.Range(1, count).Select(i => (float)i)];

    private FlatBuffer New(bool throughRuntime, long length) => new(length, (throughRuntime ? runtime : host).Memory);
}
