using System.Runtime.InteropServices;
using AutoProg.Graphs;
using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Training;

/// <summary>Hands a trained model over to be trained on elsewhere.</summary>
internal static class OnDeviceExport
{
    /// <summary>
    /// Writes a folder. The evaluation model is compared with the live one and the checkpoint is read back before any file takes its place; the training model has operators
    /// that this runtime lacks.
    /// </summary>
    /// <param name="model">What was trained.</param>
    /// <param name="weights">Which weights of it.</param>
    /// <param name="network">Resolution and depth; the unfreeze level says what is frozen.</param>
    /// <param name="batch">Images per run.</param>
    /// <param name="folder">Where to.</param>
    /// <exception cref="ArgumentException">The runtime has no such optimizer, or the weights exceed a checkpoint.</exception>
    /// <exception cref="ExportException">What was written is not what was meant.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static ExportResult Run(TrainedModel model, string weights, SubNetwork network, int batch, string folder)
    {
        var (recipe, buffer) = (model.Recipe, model.Choices[weights]);
        using var device = Device.Open(recipe.Runtime.Device, recipe.Runtime.Threads);
        using var sessions = new SubNetworkSessions(new SubNetworkGraphs(model.Task), device);
        var artifacts = TrainingArtifacts.Build(sessions.Graphs, network, batch, UpdateRule.Of(recipe.Optimizer), recipe.Training.ClipGrad);
        var worst = Compare(model, sessions, artifacts, buffer, device, folder);

        var arena = model.Parts.Arena;
        var temporary = WholeFile.TemporaryFor(folder);
        try
        {
            artifacts.Write(temporary, artifacts.Checkpoint(name => Weights(arena, buffer, name), ExportMetadata.Of(model, weights, network)));
            RequireReadable(Path.Combine(temporary, TrainingArtifacts.CheckpointFile), artifacts.Parameters, arena, buffer);
            Directory.CreateDirectory(folder);
            foreach (var file in TrainingArtifacts.Files)
            {
                File.Move(Path.Combine(temporary, file), Path.Combine(folder, file), overwrite: true);
            }
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }
        }

        return new ExportResult(folder, ExportFormat.OrtTraining, weights, network.Resolution, batch, worst, artifacts.Remark is { } remark ? $"{remark}." : null);
    }

    /// <summary>A parameter in a buffer of an arena.</summary>
    public static Tensor Weights(ParameterArena arena, ArenaBuffer buffer, string name) => Tensor.FromFloats(arena.Layout[name].Parameter.Shape, arena.Read(buffer, name));

    private static double Compare(TrainedModel model, SubNetworkSessions sessions, TrainingArtifacts artifacts, ArenaBuffer buffer, Device device, string folder)
    {
        var live = sessions.Evaluation(artifacts.Network, artifacts.Batch);
        using var written = new EvalSession(device, artifacts.Evaluation, artifacts.EvaluationManifest);
        foreach (var session in new[] { live, written })
        {
            session.Bind(name => model.Parts.Arena.View(buffer, name));
            foreach (var input in model.Task.Objective.Evaluate(new EvaluationSettings(model.Stage, Soft: false)).Inputs(ModelExport.RandomImages(model, artifacts.Network.Resolution, artifacts.Batch)))
            {
                input.Feed(session, artifacts.Batch, 0, artifacts.Batch);
            }

            session.Run();
        }

        return ModelExport.Tolerated(ModelExport.RelativeDifference(written.Tensor(model.Model.OutputName), live.Tensor(model.Model.OutputName)), folder);
    }

    private static void RequireReadable(string file, IEnumerable<string> parameters, ParameterArena arena, ArenaBuffer buffer)
    {
        using var checkpoint = OnDeviceCheckpointReader.Open(file);
        foreach (var name in parameters)
        {
            var written = arena.Read(buffer, name);
            var read = new float[written.Length];
            checkpoint.Read(name, read);
            if (!MemoryMarshal.AsBytes<float>(read).SequenceEqual(MemoryMarshal.AsBytes(written)))
            {
                throw new ExportException($"{file}: tensor '{name}' is not what was written; the disk may be failing.");
            }
        }
    }
}
