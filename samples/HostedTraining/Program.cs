using HostedTraining;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

var builder = Host.CreateApplicationBuilder(args);
builder.Logging.AddSimpleConsole(static console => console.SingleLine = true).AddFilter("Microsoft", LogLevel.Warning);
builder.Services.AddAutoProg();
builder.Services.AddHostedService<TrainingService>();

// A stop signal lets the step in progress finish; with an output folder a checkpoint is saved too.
builder.Services.Configure<HostOptions>(static options => options.ShutdownTimeout = TimeSpan.FromMinutes(1));

await builder.Build().RunAsync();
