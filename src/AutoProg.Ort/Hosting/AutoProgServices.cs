using System.Diagnostics.Metrics;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Training;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

// Where every host already looks for such methods.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>AutoProg in a host's container.</summary>
public static class AutoProgServices
{
    /// <summary>Category of everything that is logged through the container.</summary>
    public const string LogCategory = TrainingMeter.Name;

    /// <summary>
    /// Adds <see cref="TrainerOptions"/>, a singleton that joins trainers to the host: its loggers under <see cref="LogCategory"/>, its <see cref="TimeProvider"/> and its
    /// <see cref="IMeterFactory"/>, as far as the container has them. Whoever trains asks for it and adds what is its own:
    /// <c>new ProgressiveTrainer(recipe, options with { Progress = this })</c>.
    /// </summary>
    /// <param name="services">The host's services; what they hold already stays.</param>
    /// <param name="configure">Completes the options, e.g. <c>options => options with { Output = "runs" }</c>; null leaves them.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddAutoProg(this IServiceCollection services, Func<TrainerOptions, TrainerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider =>
        {
            var options = new TrainerOptions
            {
                Logger = provider.GetService<ILoggerFactory>()?.CreateLogger(LogCategory) ?? NullLogger.Instance,
                Clock = provider.GetService<TimeProvider>() ?? TimeProvider.System,
                Meters = provider.GetService<IMeterFactory>(),
            };
            return configure?.Invoke(options) ?? options;
        });
        return services;
    }
}
