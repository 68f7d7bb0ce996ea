using System.Reflection;
using AutoProg.Graphs.Import;
using AutoProg.Ort.Data;
using AutoProg.Ort.Files;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Parity;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Training;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Cli.Tests;

public sealed class ExitCodeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<Exception, int> Codes => new()
    {
        { new InvalidOperationException(), 1 },
        { new IOException("disk full"), 1 },
        { new UsageException("x"), 2 },
        { new RecipeException([new RecipeProblem("r.yaml:1", "seed", "x", "expected a whole number")]), 2 },
        { new RunNameException("exists"), 2 },
        { new OnDeviceTrainingException("x"), 2 },
        { new DataException("x"), 3 },
        { new FixtureException("x"), 3 },
        { new FileFormatException("f", "cut short"), 3 },
        { new OnnxFormatException("f", "cut short"), 3 },
        { new FileNotFoundException("x"), 3 },
        { new DirectoryNotFoundException("x"), 3 },
        { new DeviceException("x"), 4 },
        { new InsufficientMemoryException(), 4 },
        { RuntimeError("Failed to allocate memory for requested buffer of size 4294967296"), 4 },
        { RuntimeError("Non-zero status code returned while running Gemm node"), 1 },
        { new DivergedException("x"), 5 },
        { new NonFiniteTensorException(3, "model", "head.weight"), 5 },
    };

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(Codes))]
    public void Each_kind_of_end_has_its_code(Exception error, int code) => Assert.Equal(code, ExitCodes.Of(error));

    [Theory]
    [InlineData(130)]
    [InlineData(143)]
    public void A_stopped_verb_exits_with_the_signals_code(int code)
    {
        var answer = Autoprog.Run(new Stopped(code), "parity", folder.Path, "--json");

        Assert.Equal((code, "", "stopped\n"), (answer.Code, answer.Results, answer.Messages));
    }

    [Fact]
    public void A_training_that_is_stopped_before_its_first_stage_has_nothing_to_go_on_with()
    {
        var answer = Autoprog.Run(new Stopped(130), "train", Autoprog.TinyRecipe, "--output", folder.Path, "--quiet");

        Assert.Equal((130, "", "stopped before anything was trained\n"), (answer.Code, answer.Results, answer.Messages));
    }

    [Fact]
    public void A_resumed_run_that_is_stopped_at_once_goes_on_as_before()
    {
        Assert.Equal(0, Autoprog.Run("train", Autoprog.TinyRecipe, "--output", folder.Path, "--experiment", "a", "--quiet").Code);

        foreach (var (asked, named) in new[] { (folder["a"], folder["a"]), ("latest", $"latest --output {folder.Path}") })
        {
            var answer = Autoprog.Run(new Stopped(143), "train", "--resume", asked, "--output", folder.Path, "--quiet");

            Assert.Equal((143, $"stopped; what was trained is saved and goes on with: autoprog train --resume {named}\n"), (answer.Code, answer.Messages));
        }
    }

    [Fact]
    public void Missing_data_a_missing_device_and_divergence_are_told_apart()
    {
        var data = Autoprog.Run("train", Autoprog.TinyRecipe, "--dataset", "cifar10", "--data-dir", folder["none"]);
        Assert.Equal((3, $"error: data.data_dir '{folder["none"]}' does not exist.\n"), (data.Code, data.Messages));

        var memory = Autoprog.Run("train", Autoprog.TinyRecipe, "--memory-limit-mb", "1", "--set", "model.embed_dim=192", "--output", folder.Path);
        Assert.Equal(4, memory.Code);
        Assert.StartsWith("error: out of memory: r16 l2 needs ", memory.Messages);

        var diverged = Autoprog.Run("train", Autoprog.TinyRecipe, "--policy", "original", "--lr", "1e30", "--opt", "sgd", "--sched", "constant", "--output", folder.Path, "--quiet");
        Assert.Equal(5, diverged.Code);
        Assert.Matches(@"^error: step \d+, stage 1: loss .* training has diverged and nothing was updated\. Last good checkpoint: .*\n$", diverged.Messages);
    }

    [Fact]
    public void Nothing_is_left_behind_when_a_run_is_refused()
    {
        Assert.Equal(4, Autoprog.Run("train", Autoprog.TinyRecipe, "--device", "cuda:99", "--output", folder["runs"]).Code);
        Assert.Equal(2, Autoprog.Run("train", Autoprog.TinyRecipe, "--set", "growth.resolution_divisor=3", "--output", folder["runs"]).Code);
        Assert.False(Directory.Exists(folder["runs"]));
    }

    /// <summary>Only the runtime itself creates its exceptions.</summary>
    private static Exception RuntimeError(string message) => (Exception)typeof(OnnxRuntimeException)
        .GetConstructors(BindingFlags.Instance | BindingFlags.NonPublic)
        .Single(static c => c.GetParameters() is [{ ParameterType.IsEnum: true }, { ParameterType.Name: "String" }])
        .Invoke([1, message]);

    private sealed class Stopped(int code) : IStop
    {
        public CancellationToken Token { get; } = new(canceled: true);

        public int ExitCode => code;
    }
}
