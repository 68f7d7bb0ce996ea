using System.Diagnostics;
using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Data;

public class BatchStreamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public void An_exception_of_a_worker_reaches_the_reader()
    {
        using var stream = Start(new PatternImages(100) { OnLoad = index => _ = index == 50 ? throw new InvalidOperationException("disk on fire") : 0 });
        var error = Assert.Throws<InvalidOperationException>(() => ReadAll(stream));
        Assert.Equal("disk on fire", error.Message);
        Assert.Throws<InvalidOperationException>(() => stream.TryNext(out _));
    }

    [Fact]
    public void Too_many_corrupt_images_reach_the_reader()
    {
        using var stream = Start(new PatternImages(100) { Corrupt = [1, 2, 3] });
        var error = Assert.Throws<DataException>(() => ReadAll(stream));
        Assert.StartsWith("2 of the 100 images of 'pattern' are unreadable, more than data.max_corrupt_fraction = 0.01 allows: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancellation_ends_the_waiting()
    {
        using var release = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        using var stream = Start(new PatternImages(100) { OnLoad = _ => release.Wait() });
        var waiting = Task.Run(() => Assert.Throws<OperationCanceledException>(() => stream.TryNext(out _, cancellation.Token)));
        await cancellation.CancelAsync();
        await waiting.WaitAsync(Patience);

        // The stream stays usable: what was prepared is not lost.
        release.Set();
        Assert.True(stream.TryNext(out var batch));
        Assert.Equal(0, batch.Index);
    }

    [Fact]
    public void Workers_prepare_no_more_than_was_asked_for()
    {
        // There is memory for three batches, also before the first is taken.
        var (loaded, taken, ahead) = (0, 1, 0);
        using var stream = Start(
            new PatternImages(1000)
            {
                OnLoad = _ =>
                {
                    if (Interlocked.Increment(ref loaded) > 10 * (Volatile.Read(ref taken) + 2))
                    {
                        Interlocked.Increment(ref ahead);
                    }
                },
            },
            workers: 3,
            prefetch: 2);
        for (var batch = 1; batch <= 98; batch++)
        {
            // Told before it is taken, for then the workers may go on: the batch that is lent and two more.
            Volatile.Write(ref taken, batch);
            Assert.True(stream.TryNext(out _));
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref loaded) >= 10 * (batch + 2), Patience));
        }

        Assert.Equal(0, ahead);
    }

    [Fact]
    public async Task Disposing_stops_the_workers_after_the_image_they_are_at()
    {
        var loaded = 0;
        using var release = new ManualResetEventSlim();
        var stream = Start(
            new PatternImages(1000)
            {
                OnLoad = _ =>
                {
                    Interlocked.Increment(ref loaded);
                    release.Wait();
                },
            },
            workers: 2);
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref loaded) == 2, Patience));
        var disposing = Task.Run(stream.Dispose);
        Assert.True(SpinWait.SpinUntil(() => IsDisposed(stream), Patience));
        release.Set();
        await disposing.WaitAsync(Patience);
        Assert.Equal(2, loaded);
        stream.Dispose();
    }

    [Fact]
    public async Task Disposing_wakes_a_reader_that_waits()
    {
        using var release = new ManualResetEventSlim();
        var stream = Start(new PatternImages(100) { OnLoad = _ => release.Wait() });
        var waiting = Task.Run(() => Assert.Throws<ObjectDisposedException>(() => stream.TryNext(out _)));
        await Task.Delay(50);
        var disposing = Task.Run(stream.Dispose);
        await waiting.WaitAsync(Patience);
        release.Set();
        await disposing.WaitAsync(Patience);
    }

    [Fact]
    public void Waiting_for_data_is_measured()
    {
        using var release = new ManualResetEventSlim();
        using var stream = Start(new PatternImages(20) { OnLoad = _ => release.Wait() }, workers: 1);
        var reader = new Thread(() => stream.TryNext(out _));
        reader.Start();
        Assert.True(SpinWait.SpinUntil(() => reader.ThreadState.HasFlag(System.Threading.ThreadState.WaitSleepJoin), Patience));
        var waiting = Stopwatch.StartNew();
        SpinWait.SpinUntil(() => waiting.ElapsedMilliseconds >= 100);
        release.Set();
        Assert.True(reader.Join(Patience));
        Assert.InRange(stream.WaitTime, TimeSpan.FromMilliseconds(50), Patience); // of at least 100 ms, but for how long the reader took to begin
    }

    [Fact]
    public void Memory_is_reused_and_the_lent_batch_is_left_alone()
    {
        var (loaded, read) = (0, 0);
        using var stream = Start(new PatternImages(200) { OnLoad = _ => Interlocked.Increment(ref loaded) }, workers: 2, prefetch: 1);
        var different = new HashSet<Batch>();
        while (stream.TryNext(out var batch))
        {
            different.Add(batch);
            read += batch.Count;
            var before = batch.Images.ToArray();

            // The workers fill the next batch meanwhile.
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref loaded) >= Math.Min(200, read + 10), Patience));
            Assert.Equal(before, batch.Images.ToArray());
        }

        Assert.Equal(2, different.Count);
    }

    [Fact]
    public void At_the_end_there_is_nothing_more()
    {
        using var stream = Start(new PatternImages(30));
        ReadAll(stream);
        Assert.False(stream.TryNext(out var batch));
        Assert.Null(batch);
    }

    private static bool IsDisposed(BatchStream stream)
    {
        try
        {
            stream.TryNext(out _, new CancellationToken(canceled: true));
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }

    private static void ReadAll(BatchStream stream)
    {
        while (stream.TryNext(out _))
        {
        }
    }

    private static BatchStream Start(IImageDataset images, int workers = 2, int prefetch = 2) =>
        new ImageSource(images, new DataRecipe { Workers = workers, Prefetch = prefetch }, NullLogger.Instance)
            .TrainingBatches(new TrainingEpoch { Seed = 1, Epoch = 0, BatchSize = 10, ResolutionOf = _ => 8, Augmentation = new AugmentationRecipe() });
}
