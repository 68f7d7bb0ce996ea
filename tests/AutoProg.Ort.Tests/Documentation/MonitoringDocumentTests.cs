using System.Reflection;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Tests.Monitoring;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Tests.Documentation;

/// <summary>docs/monitoring.md is taken from the code.</summary>
public sealed class MonitoringDocumentTests
{
    private static readonly IReadOnlyList<(string Name, LoggerMessageAttribute Event)> Events =
    [
        .. typeof(LogEvents).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(static method => (method.Name, Event: method.GetCustomAttribute<LoggerMessageAttribute>()!))
            .Where(static m => m.Event is not null)
            .OrderBy(static m => m.Event.EventId),
    ];

    [Fact]
    public void It_lists_every_instrument_and_every_event()
    {
        using var measured = new MeasuredRun();
        _ = new TrainingMeter(measured, "run", "policy");
        var instruments = measured.Instruments.Select(static i => $"| `{i.Name}` | {Kind(i)} | {i.Unit} | {i.Description} |");
        var events = Events.Select(static e => $"| {e.Event.EventId} | {e.Name} | {e.Event.Level} | `{e.Event.Message.Replace("|", "\\|", StringComparison.Ordinal)}` |");
        Repository.AssertIs("docs/monitoring.md", $"""
            # Monitoring

            [README.md](../README.md#embedding) tells how the engine is embedded. This page is generated from the code by `tools/update-docs.sh`.

            ## Metrics

            The meter is called `{TrainingMeter.Name}`. Every measurement has the tags `{TrainingMeter.RunTag}` (the run's folder, or its recipe where nothing is written) and
            `{TrainingMeter.PolicyTag}`; counters and the histogram also have `{TrainingMeter.SearchTag}`, which is true for steps of a supernet. Gauges tell of the last step.

            | Instrument | Kind | Unit | |
            |---|---|---|---|
            {string.Join('\n', instruments)}

            ## Log events

            Through a host's container everything is logged under the category `{TrainingMeter.Name}`. The id of an event never changes and is never given to another one; its text may
            get better. Values in braces are logged by name.

            | Id | Event | Level | Message |
            |---|---|---|---|
            {string.Join('\n', events)}

            """.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void No_event_has_the_id_of_another() => Assert.Equal(Events.Count, Events.Select(static e => e.Event.EventId).Distinct().Count());

    private static string Kind(System.Diagnostics.Metrics.Instrument instrument) => instrument.GetType().Name.Split('`')[0].ToLowerInvariant();
}
