using System.Runtime.CompilerServices;
using AutoProg.Graphs;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Runtime.Memory;

[Collection(nameof(Alone))]
public sealed class FlatBufferTests
{
    [Fact]
    public void Memory_is_zero_and_starts_at_a_cache_line()
    {
        using var buffer = new FlatBuffer(1001);

        Assert.All(buffer.Span(0, 1001).ToArray(), value => Assert.Equal(0f, value));
        unsafe
        {
            fixed (float* start = buffer.Span(0, 1))
                Assert.Equal(0, (nint)start % 64);
        }
    }

    [Fact]
    public void Spans_and_views_share_the_memory()
    {
        using var buffer = new FlatBuffer(64);
        using var view = buffer.View(16, [2, 3]);

        buffer.Span(16, 6)[4] = 7;
        view.GetTensorMutableDataAsSpan<float>()[5] = 8;

        Assert.Equal([0, 0, 0, 0, 7, 8], view.GetTensorDataAsSpan<float>().ToArray());
        Assert.Equal(8, buffer.Span(21, 1)[0]);
        Assert.Equal([2, 3], view.GetTensorTypeAndShape().Shape);
    }

    [Theory]
    [InlineData(-1, 4)]
    [InlineData(0, 65)]
    [InlineData(64, 1)]
    [InlineData(long.MaxValue, 2)]
    public void A_range_outside_the_buffer_is_refused(long offset, int length)
    {
        using var buffer = new FlatBuffer(64);

        var error = Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Span(offset, length).Length);
        Assert.StartsWith($"The {length} elements from {offset} on leave a buffer of 64 elements.", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.View(offset, Shape.Of(length)));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Clear(offset, length));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.CopyFrom(buffer, 0, offset, length));
    }

    [Fact]
    public void Overlapping_copies_keep_the_old_values()
    {
        using var buffer = new FlatBuffer(6);
        for (var i = 0; i < 6; i++)
            buffer.Span(i, 1)[0] = i;

        buffer.CopyFrom(buffer, 0, 2, 4);

        Assert.Equal([0, 1, 0, 1, 2, 3], buffer.Span(0, 6).ToArray());
    }

    [Fact]
    public void A_disposed_buffer_says_so()
    {
        var buffer = new FlatBuffer(4);
        buffer.Dispose();
        buffer.Dispose();

        Assert.Throws<ObjectDisposedException>(() => buffer.Span(0, 1).Length);
    }

    [Fact]
    public void Every_byte_of_an_arena_is_given_back()
    {
        Settle();
        var before = FlatBuffer.AllocatedBytes;

        using (var arena = new ParameterArena(TestModel.Blocks(3), new ArenaOptions { MomentCount = 2, EmaDecays = [0.9, 0.99] }))
        {
            arena.View(ArenaBuffer.Ema(1), "head.weight");
            arena.Rearrange(0, [2, 0, 1], [ArenaTransfer.Within(ArenaBuffer.Weights)]);
            Assert.Equal(before + (6 * arena.Layout.Length * sizeof(float)), FlatBuffer.AllocatedBytes);
        }

        Assert.Equal(before, FlatBuffer.AllocatedBytes);
    }

    [Fact]
    public void Memory_that_its_owner_forgot_is_given_back_by_the_finalizer()
    {
        Settle();
        var before = FlatBuffer.AllocatedBytes;

        Forget();
        Settle();

        Assert.Equal(before, FlatBuffer.AllocatedBytes);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget()
        {
            var forgotten = new FlatBuffer(1000);
            Assert.Equal(1000, forgotten.Length);
        }
    }

    [Fact]
    public void Refused_memory_is_reported_in_MiB_and_costs_nothing()
    {
        Settle();
        var before = FlatBuffer.AllocatedBytes;

        var error = Assert.Throws<DeviceException>(() => new FlatBuffer(1L << 58));

        Assert.StartsWith("out of memory: the system refused 1099511627776.0 MiB for a tensor buffer", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, FlatBuffer.AllocatedBytes);
    }

    // What earlier tests left to the collector must not be counted here.
    private static void Settle()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }
}
