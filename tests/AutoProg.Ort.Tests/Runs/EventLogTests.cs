using System.Text;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Tests.Runs;

public sealed class EventLogTests : InTemporaryFolder
{
    private readonly StoppedClock clock = new();

    private sealed record Growth(int Resolution, int Depth, double Loss);

    [Fact]
    public void An_event_is_one_line_that_others_can_read_at_once()
    {
        using var log = EventLog.Open(At("events.jsonl"), clock, keep: 0);

        log.Append("growth", 12, new Growth(96, 6, double.NaN));

        Assert.Equal("""{"step":12,"event":"growth","time":"2026-08-01T12:30:45+00:00","resolution":96,"depth":6,"loss":"NaN"}""" + "\n", ReadShared(At("events.jsonl")));
        var read = Assert.Single(EventLog.Read(At("events.jsonl")));
        Assert.Equal((12, "growth", clock.Now), (read.Step, read.Kind, read.Time));
        Assert.Equal(new Growth(96, 6, double.NaN), read.Read<Growth>());
    }

    [Fact]
    public void Resuming_takes_the_log_back_to_the_checkpoint()
    {
        long atCheckpoint;
        using (var log = EventLog.Open(At("events.jsonl"), clock, keep: 0))
        {
            log.Append("a", 1, new { });
            log.Append("b", 2, new { });
            atCheckpoint = log.Count;
            log.Append("lost", 2, new { });
            log.Append("lost", 3, new { });
        }

        using (var log = EventLog.Open(At("events.jsonl"), clock, atCheckpoint))
        {
            Assert.Equal(2, log.Count);
            log.Append("c", 3, new { });
        }

        Assert.Equal(["a", "b", "c"], EventLog.Read(At("events.jsonl")).Select(entry => entry.Kind));
    }

    [Fact]
    public void A_line_that_a_crash_cut_short_is_neither_read_nor_continued()
    {
        File.WriteAllText(At("events.jsonl"), "{\"step\":1,\"event\":\"a\",\"time\":\"2026-08-01T00:00:00Z\"}\nno json\n{\"step\":2,\"ev");

        Assert.Equal("a", Assert.Single(EventLog.Read(At("events.jsonl"))).Kind);
        using (var log = EventLog.Open(At("events.jsonl"), clock, keep: 10))
        {
            Assert.Equal(2, log.Count);
            log.Append("b", 2, new { });
        }

        Assert.Equal(["a", "b"], EventLog.Read(At("events.jsonl")).Select(entry => entry.Kind));
    }

    [Fact]
    public void Lines_longer_than_any_event_cost_no_memory_and_are_left_out()
    {
        using (var file = File.Create(At("lines")))
        {
            file.Write("short\n"u8);
            var chunk = Encoding.UTF8.GetBytes(new string('x', 100_000));
            for (var i = 0; i < 10; i++)
            {
                file.Write(chunk);
            }

            file.Write("\nlast\n"u8);
        }

        Assert.Equal(["short", "last"], AppendedLines.Read(At("lines"), 1000).Select(Encoding.UTF8.GetString));
        Assert.Equal(3, AppendedLines.Read(At("lines"), 1_000_000).Count());
    }

    [Fact]
    public void Events_from_several_threads_stay_whole()
    {
        using (var log = EventLog.Open(At("events.jsonl"), clock, keep: 0))
        {
            Parallel.For(0, 500, i => log.Append("e", i, new { Text = new string('x', i) }));
            Assert.Equal(500, log.Count);
        }

        Assert.Equal(Enumerable.Range(0, 500), EventLog.Read(At("events.jsonl")).Select(entry => (int)entry.Step).Order());
    }

    [Fact]
    public void A_payload_that_hides_the_events_own_fields_is_refused()
    {
        using var log = EventLog.Open(At("events.jsonl"), clock, keep: 0);

        Assert.StartsWith("Event 'e' needs an object without fields called step, event, time.", Assert.Throws<ArgumentException>(() => log.Append("e", 1, new { Step = 2 })).Message);
        Assert.Throws<ArgumentException>(() => log.Append("e", 1, 5));
    }

    private static string ReadShared(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }
}
