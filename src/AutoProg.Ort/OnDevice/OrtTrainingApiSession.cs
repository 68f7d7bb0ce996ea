using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.OnDevice;

/// <summary>
/// Trains in ONNX Runtime's own training, by its <see cref="TrainingSession"/>. Every flavour compiles it; only the training flavour of release 1.19.2 has the native side.
/// </summary>
internal sealed class OrtTrainingApiSession : ITrainingSession
{
    private const string ExternalSuffix = ".data";

    private readonly TrainingArtifacts artifacts;
    private readonly SessionOptions options;
    private readonly CheckpointState state;
    private readonly TrainingSession session;
    private readonly FedInputs training;
    private readonly FedInputs evaluation;

    private OrtTrainingApiSession(TrainingArtifacts artifacts, string folder, CheckpointState state, SessionOptions options)
    {
        (this.artifacts, this.state, this.options) = (artifacts, state, options);
        session = new TrainingSession(
            options,
            state,
            Path.Combine(folder, TrainingArtifacts.TrainingFile),
            Path.Combine(folder, TrainingArtifacts.EvaluationFile),
            Path.Combine(folder, TrainingArtifacts.OptimizerFile));
        (training, evaluation) = (new FedInputs(artifacts.TrainingManifest), new FedInputs(artifacts.EvaluationManifest));
    }

    /// <summary>Loads a folder.</summary>
    /// <param name="artifacts">What its models are.</param>
    /// <param name="folder">Where <see cref="TrainingArtifacts.Write"/> has written them, or where a checkpoint that was saved has taken the place of the first.</param>
    /// <param name="threads">Threads inside an operator; 0 takes the number of processors.</param>
    /// <exception cref="OnDeviceTrainingException">This build of ONNX Runtime has no training.</exception>
    public static OrtTrainingApiSession Open(TrainingArtifacts artifacts, string folder, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(artifacts);
        var checkpoint = LoadCheckpoint(Path.Combine(folder, TrainingArtifacts.CheckpointFile));
        var settings = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        try
        {
            return new OrtTrainingApiSession(artifacts, folder, checkpoint, settings);
        }
        catch
        {
            settings.Dispose();
            checkpoint.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public float Step(IReadOnlyList<FedTensor> inputs, double learningRate)
    {
        training.Feed(inputs, artifacts.Batch);
        session.SetLearningRate((float)learningRate);
        using var results = session.TrainStep(training.Values);
        var loss = results[0].GetTensorDataAsSpan<float>()[0];
        session.OptimizerStep();
        session.LazyResetGrad();
        return loss;
    }

    /// <inheritdoc />
    public float[] Evaluate(IReadOnlyList<FedTensor> inputs)
    {
        evaluation.Feed(inputs, artifacts.Batch);
        using var results = session.EvalStep(evaluation.Values);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    /// <inheritdoc />
    public void Load(ParameterArena arena)
    {
        ArgumentNullException.ThrowIfNull(arena);
        foreach (var name in artifacts.Parameters)
        {
            using var value = OrtValue.CreateTensorValueFromMemory(arena.Read(ArenaBuffer.Weights, name).ToArray(), [.. arena.Layout[name].Parameter.Shape]);
            state.UpdateParameter(name, value);
        }
    }

    /// <inheritdoc />
    public void Store(ParameterArena arena)
    {
        ArgumentNullException.ThrowIfNull(arena);
        foreach (var name in artifacts.Parameters)
        {
            using var value = state.GetParameter(name);
            arena.Set(ArenaBuffer.Weights, name, arena.Layout[name].Parameter.Shape, value.GetTensorDataAsSpan<float>());
        }
    }

    /// <inheritdoc />
    public void Save(string path)
    {
        var temporary = WholeFile.TemporaryFor(path);
        CheckpointState.SaveCheckpoint(state, temporary, includeOptimizerState: true);

        // Above 2 GB the runtime puts the elements into a second file, which it finds by the name of the first.
        if (File.Exists(temporary + ExternalSuffix))
        {
            RunDisk.Instance.ReplaceFile(temporary + ExternalSuffix, path + ExternalSuffix);
        }

        RunDisk.Instance.ReplaceFile(temporary, path);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        session.Dispose();
        state.Dispose();
        options.Dispose();
        training.Dispose();
        evaluation.Dispose();
    }

    private static CheckpointState LoadCheckpoint(string file)
    {
        try
        {
            return CheckpointState.LoadCheckpoint(file);
        }
        catch (InvalidOperationException absent)
        {
            var environment = RunEnvironment.Capture();
            throw new OnDeviceTrainingException(
                $"This ONNX Runtime ({environment.OnnxRuntime}, flavour {environment.OrtFlavor}) has no training of its own; build with -p:OrtFlavor=Training, which takes the package Microsoft.ML.OnnxRuntime.Training 1.19.2, the last one that has it.",
                absent);
        }
    }

    /// <summary>The inputs of a model, in its order, which is how they are handed over.</summary>
    private sealed class FedInputs(GraphManifest manifest) : IFedSession, IDisposable
    {
        private readonly OrderedDictionary<string, HostTensor> tensors = new(manifest.Inputs.Select(static input => KeyValuePair.Create(input.Name, HostTensor.Of(input))), StringComparer.Ordinal);

        public IReadOnlyCollection<OrtValue> Values => [.. tensors.Values.Select(static tensor => tensor.Value)];

        public void Feed(IReadOnlyList<FedTensor> inputs, int batch)
        {
            ArgumentNullException.ThrowIfNull(inputs);
            foreach (var input in inputs)
            {
                input.Feed(this, batch, 0, batch);
            }
        }

        public Span<T> Tensor<T>(string name)
            where T : unmanaged => tensors[name].Elements<T>();

        public void Dispose()
        {
            foreach (var tensor in tensors.Values)
            {
                tensor.Dispose();
            }
        }
    }
}

/// <summary>The native side of ONNX Runtime has no training. The command line exits with 2: the build does not go with what was asked for.</summary>
public sealed class OnDeviceTrainingException : Exception
{
    /// <summary>Creates the exception.</summary>
    public OnDeviceTrainingException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public OnDeviceTrainingException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public OnDeviceTrainingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
