using System.Diagnostics.Metrics;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Hosting;

public sealed class AutoProgServicesTests
{
    [Fact]
    public void A_host_gives_its_loggers_its_meters_and_its_clock()
    {
        var (log, clock) = (new CategoryLog(), new StoppedClock());
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Logging.AddProvider(log);
        builder.Services.AddSingleton<TimeProvider>(clock).AddAutoProg(static options => options with { Output = "runs" });
        using var host = builder.Build();

        var options = host.Services.GetRequiredService<TrainerOptions>();
        options.Logger.LogWarning("heard");

        Assert.Equal((AutoProgServices.LogCategory, "runs", (TimeProvider)clock), (log.Category, options.Output, options.Clock));
        Assert.Same(host.Services.GetRequiredService<IMeterFactory>(), options.Meters);
        Assert.Same(options, host.Services.GetRequiredService<TrainerOptions>());
    }

    [Fact]
    public void An_empty_container_gives_what_trainers_use_without_one()
    {
        using var services = new ServiceCollection().AddAutoProg().BuildServiceProvider();

        Assert.Equal(new TrainerOptions(), services.GetRequiredService<TrainerOptions>());
    }

    [Fact]
    public void Options_that_are_there_already_stay()
    {
        var own = new TrainerOptions { Experiment = "own" };
        using var services = new ServiceCollection().AddSingleton(own).AddAutoProg(static _ => throw new InvalidOperationException("Nobody asked for these.")).BuildServiceProvider();

        Assert.Same(own, services.GetRequiredService<TrainerOptions>());
    }

    private sealed class CategoryLog : ILoggerProvider
    {
        public string? Category { get; private set; }

        public ILogger CreateLogger(string categoryName)
        {
            Category = categoryName.StartsWith("Microsoft.", StringComparison.Ordinal) ? Category : categoryName;
            return NullLogger.Instance;
        }

        public void Dispose()
        {
        }
    }
}
