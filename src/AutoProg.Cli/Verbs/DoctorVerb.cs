using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Tells what this installation can do, and proves it.</summary>
[Verb("doctor", HelpText = "Show ONNX Runtime, devices, threads, SIMD and memory, and train one step as a self-test.")]
[Example("doctor")]
[Example("doctor --json")]
internal sealed record DoctorVerb : OutputOptions, IVerb
{
    /// <summary>One update of a small DeiT, evaluated afterwards: graphs, gradients, sessions, update, data.</summary>
    private static readonly Recipe SelfTest = new()
    {
        Model = new ModelRecipe { Name = "deit_micro", ImgSize = 16, Depth = 2, EmbedDim = 48 },
        Data = new DataRecipe { TrainSamples = 8, ValSamples = 8, Workers = 1 },
        Training = new TrainingRecipe { Epochs = 1, BatchSize = 8, MaxTrainSteps = 1 },
        Schedule = new LearningRateRecipe { WarmupEpochs = 0 },
        Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Original },
    };

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        var environment = RunEnvironment.Capture();
        string[] devices = [.. environment.ExecutionProviders.Contains("CUDAExecutionProvider") ? ["cuda:N"] : Array.Empty<string>(), "cpu"];
        var summary = new ProgressiveTrainer(SelfTest).Run(context.CancellationToken);
        var passed = summary is { Steps: 1, Final.Loss: var loss } && double.IsFinite(loss);
        context.Report(
            new { Environment = environment, Devices = devices, Threads = environment.Cores, SelfTest = new { Passed = passed, summary.Final?.Loss, Seconds = summary.Times.Runtime } },
            console => console.Write(Tables.Facts(
                ("autoprog", environment.Product),
                ("ONNX Runtime", $"{environment.OnnxRuntime} ({environment.OrtFlavor})"),
                ("providers", string.Join(", ", environment.ExecutionProviders)),
                ("devices", string.Join(", ", devices)),
                ("processor", environment.Processor),
                ("threads", $"{environment.Cores}"),
                ("SIMD", string.Join(", ", environment.Simd)),
                ("memory", $"{environment.MemoryMb} MiB"),
                (".NET", environment.DotNet),
                ("system", $"{environment.OperatingSystem} ({environment.Architecture})"),
                ("self-test", passed ? $"passed: one step of deit_micro, loss {Text.Number(summary.Final!.Loss, 4)}, {Text.Number(summary.Times.Runtime, 2)} s" : "FAILED: the loss after one step of deit_micro is not finite"))));
        return passed ? ExitCodes.Done : ExitCodes.Failure;
    }
}
