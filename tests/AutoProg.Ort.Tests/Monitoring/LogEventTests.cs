using System.Reflection;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Tests.Monitoring;

public sealed class LogEventTests : InTemporaryFolder
{
    /// <summary>Ids and names of all events.</summary>
    private static readonly Dictionary<int, string> Events = typeof(LogEvents).GetMethods(BindingFlags.Static | BindingFlags.Public)
        .Select(static method => (method.Name, Event: method.GetCustomAttribute<LoggerMessageAttribute>()))
        .Where(static m => m.Event is not null)
        .ToDictionary(static m => m.Event!.EventId, static m => m.Name);

    [Fact]
    public void What_a_run_logs_has_ids_names_and_values()
    {
        var log = new HeardLog();
        var summary = new ProgressiveTrainer(TinyRecipes.Of(GrowthPolicyKind.AutoprogOne), new TrainerOptions { Logger = log, Output = Folder, Experiment = "run" }).Run();

        Assert.All(log.Events, static heard => Assert.Equal(Events[heard.Id.Id], heard.Id.Name));
        Assert.Equal(summary.Decisions.Sum(static d => d.Candidates.Count), log.Events.Count(static e => e.Id.Id == 1204));
        var step = log.Events.Last(static e => e.Id.Id == 1100);
        Assert.Equal((7, 4, 4, summary.Stages[^1].Network), ((int)step.Values["epoch"]!, (int)step.Values["batch"]!, (int)step.Values["stage"]!, step.Values["network"]));
        Assert.Equal(File.ReadAllLines(At("run", "log.txt")).Length, log.Events.Count);
    }

    [Fact]
    public void A_line_of_steps_reads_as_in_other_trainers()
    {
        var log = new HeardLog();
        log.StepTrained(3, 20, 400, 5, 2.34567, 2.5, 0.125, 64, 0.25, 32, 1e-3, 0.001, 0.002, 1, 4, new(128, 6), 812, "1:02:03");

        Assert.Equal(
            "Train: 3 [  20/400 (  5%)]  Loss: 2.3457 (2.5000)  Time: 0.125s, 64.0/s (0.250s, 32.0/s)  LR: 1.0E-003  Data: 0.001 (0.002)  Stage: 1/4 r128 l6  Memory: 812 MiB  ETA: 1:02:03",
            Assert.Single(log.Events).Text);
    }

    private sealed class HeardLog : ILogger
    {
        public List<(EventId Id, string Text, Dictionary<string, object?> Values)> Events { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Events.Add((eventId, formatter(state, exception), new((IEnumerable<KeyValuePair<string, object?>>)state!, StringComparer.OrdinalIgnoreCase)));
    }
}
