using System.Buffers;
using System.Text.Json;

namespace AutoProg.Ort.Runs;

/// <summary>Something that happened in a run.</summary>
/// <param name="Step">Updates done by then.</param>
/// <param name="Kind">What it was, e.g. <c>stage</c>.</param>
/// <param name="Time">When.</param>
/// <param name="Content">The whole line, with step, event and time.</param>
public sealed record RunEvent(long Step, string Kind, DateTimeOffset Time, JsonElement Content)
{
    /// <summary>The event's own fields.</summary>
    /// <exception cref="JsonException">They are of another type.</exception>
    public TPayload Read<TPayload>() => Content.Deserialize<TPayload>(RunJson.Lines) ?? throw new JsonException($"Event '{Kind}' at step {Step} is null.");
}

/// <summary>
/// Everything that happened in a run, one JSON object per line: <c>{"step":12,"event":"stage","time":"...", ...}</c>.
/// A checkpoint stores <see cref="Count"/>; resuming from it cuts the file back to that, so that nothing is told twice. Thread-safe.
/// </summary>
public sealed class EventLog : IDisposable
{
    private const int LongestLine = 16 << 20;
    private static readonly string[] Reserved = ["step", "event", "time"];

    private readonly AppendedLines lines;
    private readonly TimeProvider clock;

    private EventLog(AppendedLines lines, TimeProvider clock)
    {
        this.lines = lines;
        this.clock = clock;
    }

    /// <summary>Events so far.</summary>
    internal long Count => lines.Count;

    /// <summary>Opens a log for appending.</summary>
    /// <param name="path">Created where it is missing.</param>
    /// <param name="clock">Stamps events.</param>
    /// <param name="keep">Events to keep: 0 for a new run, the checkpoint's <see cref="Count"/> when resuming. A file with fewer keeps all.</param>
    internal static EventLog Open(string path, TimeProvider clock, long keep) => new(AppendedLines.Open(path, keep), clock);

    /// <summary>Reads a log; lines that are no events are left out, since the last may be cut short by a crash.</summary>
    public static IEnumerable<RunEvent> Read(string path)
    {
        foreach (var line in AppendedLines.Read(path, LongestLine))
        {
            if (TryParse(line) is { } parsed)
            {
                yield return parsed;
            }
        }
    }

    /// <summary>Appends an event; it is in the operating system's hands on return.</summary>
    /// <param name="kind">What happened, e.g. <c>stage</c>.</param>
    /// <param name="step">Updates done by now.</param>
    /// <param name="payload">Its fields, an object without <c>step</c>, <c>event</c> and <c>time</c>.</param>
    /// <exception cref="ArgumentException">The payload is no object, or uses a reserved name.</exception>
    internal void Append<TPayload>(string kind, long step, TPayload payload)
    {
        var fields = JsonSerializer.SerializeToElement(payload, RunJson.Lines);
        if (fields.ValueKind != JsonValueKind.Object || Reserved.Any(name => fields.TryGetProperty(name, out _)))
        {
            throw new ArgumentException($"Event '{kind}' needs an object without fields called {string.Join(", ", Reserved)}.", nameof(payload));
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("step", step);
            json.WriteString("event", kind);
            json.WriteString("time", clock.GetUtcNow());
            foreach (var field in fields.EnumerateObject())
            {
                field.WriteTo(json);
            }

            json.WriteEndObject();
        }

        lines.Append(buffer.WrittenSpan);
    }

    /// <summary>Returns once all events are on the disk; called before a checkpoint is saved.</summary>
    internal void Flush() => lines.Flush();

    /// <inheritdoc />
    public void Dispose() => lines.Dispose();

    private static RunEvent? TryParse(byte[] line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("step", out var step) && step.ValueKind == JsonValueKind.Number && step.TryGetInt64(out var number)
                && root.TryGetProperty("event", out var kind) && kind.ValueKind == JsonValueKind.String
                && root.TryGetProperty("time", out var time) && time.ValueKind == JsonValueKind.String && time.TryGetDateTimeOffset(out var stamp)
                    ? new RunEvent(number, kind.GetString()!, stamp, root.Clone())
                    : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
