using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Data.Loading;

namespace AutoProg.Ort.Data;

/// <summary>
/// Batches in order, prepared ahead by worker threads. What a batch holds never depends on the number of workers or on timing.
/// Memory: one batch more than are prefetched. To be read by one thread at a time; disposing stops the workers after the image that each is at.
/// </summary>
internal sealed class BatchStream : IDisposable
{
    // Images per turn of a worker: small enough to share a batch evenly, large enough that taking turns costs nothing.
    private const int ImagesPerTurn = 8;

    private readonly IBatchPlan plan;
    private readonly object gate = new();
    private readonly Queue<Work> pending = new();
    private readonly Stack<Batch> free = new();
    private readonly Thread[] workers;
    private Work? open;
    private Batch? lent;
    private int nextToStart;
    private ExceptionDispatchInfo? failure;
    private bool stopWorkers;
    private volatile bool stopped;

    internal BatchStream(IBatchPlan plan, int workerCount, int prefetch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workerCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(prefetch, 1);
        this.plan = plan;
        nextToStart = plan.FirstBatch;
        Remaining = plan.BatchCount - plan.FirstBatch;

        // One more than prefetched: the one that the reader holds.
        for (var i = 0; i <= Math.Min(prefetch, Remaining); i++)
        {
            var batch = new Batch(plan.BatchSize, plan.Classes, plan.Channels);
            if (plan.HasTokenTargets)
            {
                batch.ExpectTokenTargets();
            }

            free.Push(batch);
        }

        workers = [.. Enumerable.Range(0, workerCount).Select(number => new Thread(Run) { IsBackground = true, Name = $"autoprog-data-{number}" })];
        foreach (var worker in workers)
        {
            worker.Start();
        }
    }

    /// <summary>Batches of the whole epoch, those before the first one included.</summary>
    public int BatchCount => plan.BatchCount;

    /// <summary>Batches that are still to come.</summary>
    public int Remaining { get; private set; }

    /// <summary>How long <see cref="TryNext"/> has waited for workers in total.</summary>
    public TimeSpan WaitTime { get; private set; }

    /// <summary>Waits for the next batch. The memory of the previous one is taken back.</summary>
    /// <param name="batch">The batch; null at the end.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>False when all batches have been given out.</returns>
    /// <exception cref="DataException">Too many images are corrupt.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public bool TryNext([NotNullWhen(true)] out Batch? batch, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(stopped, this);
        using var wakeUp = cancellationToken.Register(WakeAll);
        lock (gate)
        {
            if (lent is not null)
            {
                free.Push(lent);
                lent = null;
                Monitor.PulseAll(gate);
            }

            batch = null;
            if (Remaining == 0)
            {
                return false;
            }

            var start = Stopwatch.GetTimestamp();
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                ObjectDisposedException.ThrowIf(stopped, this);
                failure?.Throw();
                if (pending.TryPeek(out var head) && head.Ready)
                {
                    break;
                }

                Monitor.Wait(gate);
            }

            WaitTime += Stopwatch.GetElapsedTime(start);
            batch = lent = pending.Dequeue().Batch;
            Remaining--;
            return true;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        stopped = true;
        WakeAll();
        foreach (var worker in workers)
        {
            worker.Join();
        }
    }

    private void WakeAll()
    {
        lock (gate)
        {
            Monitor.PulseAll(gate);
        }
    }

    private void Run()
    {
        var canvas = new Canvas();
        try
        {
            while (WaitForTurn(out var work, out var first, out var end))
            {
                for (var row = first; row < end && !stopped; row++)
                {
                    plan.Fill(work.Batch, row, canvas);
                }

                Finish(work, end - first);
            }
        }
        catch (Exception exception) // whatever went wrong belongs to the reader's thread
        {
            lock (gate)
            {
                failure ??= ExceptionDispatchInfo.Capture(exception);
                stopWorkers = true;
                Monitor.PulseAll(gate);
            }
        }
    }

    private bool WaitForTurn([NotNullWhen(true)] out Work? work, out int first, out int end)
    {
        lock (gate)
        {
            while (!stopped && !stopWorkers)
            {
                if (open is null && nextToStart < plan.BatchCount && free.TryPop(out var batch))
                {
                    batch.Begin(nextToStart, plan.ResolutionOf(nextToStart), plan.CountOf(nextToStart));
                    nextToStart++;
                    open = new Work(batch);
                    pending.Enqueue(open);
                    Monitor.PulseAll(gate);
                }

                if (open is not null)
                {
                    work = open;
                    first = work.NextRow;
                    end = Math.Min(first + ImagesPerTurn, work.Batch.Count);
                    work.NextRow = end;
                    open = end == work.Batch.Count ? null : open;
                    return true;
                }

                if (nextToStart == plan.BatchCount)
                {
                    break;
                }

                Monitor.Wait(gate);
            }

            (work, first, end) = (null, 0, 0);
            return false;
        }
    }

    private void Finish(Work work, int rows)
    {
        lock (gate)
        {
            work.UnfinishedRows -= rows;
            if (work.UnfinishedRows > 0)
            {
                return;
            }
        }

        if (!stopped)
        {
            plan.Complete(work.Batch);
        }

        lock (gate)
        {
            work.Ready = true;
            Monitor.PulseAll(gate);
        }
    }

    private sealed class Work(Batch batch)
    {
        public Batch Batch { get; } = batch;

        public int NextRow { get; set; }

        public int UnfinishedRows { get; set; } = batch.Count;

        public bool Ready { get; set; }
    }
}
