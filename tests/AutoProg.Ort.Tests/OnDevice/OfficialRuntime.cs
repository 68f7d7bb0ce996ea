using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Documentation;

namespace AutoProg.Ort.Tests.OnDevice;

/// <summary>What a training came to.</summary>
/// <param name="Losses">Per update.</param>
/// <param name="Parameters">Afterwards, in the order of the training model.</param>
/// <param name="Evaluation">What the model then gives for the evaluation batch.</param>
internal sealed record TrainingOutcome(float[] Losses, float[] Parameters, float[] Evaluation);

/// <summary>Trains in ONNX Runtime 1.19.2 by way of tools/ort-training.</summary>
internal static class OfficialRuntime
{
    /// <summary>Where the folder then holds what the runtime has saved.</summary>
    public const string SavedCheckpoint = "checkpoint.saved";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>One update per set of feeds, an evaluation, and a checkpoint.</summary>
    public static TrainingOutcome Train(string folder, IEnumerable<IReadOnlyList<Fed>> training, IReadOnlyList<Fed> evaluation)
    {
        var (batches, result) = (Path.Combine(folder, "batches.json"), Path.Combine(folder, "result.json"));
        File.WriteAllText(batches, JsonSerializer.Serialize(new { Training = training, Evaluation = evaluation }, Json));
        using var node = Process.Start(new ProcessStartInfo("node", [Repository.InRoot($"{OfficialRuntimeFactAttribute.Tool}/train.mjs"), folder, batches, result]) { RedirectStandardError = true, UseShellExecute = false })!;
        var messages = node.StandardError.ReadToEndAsync();
        if (!node.WaitForExit(Patience))
        {
            node.Kill(entireProcessTree: true);
            Assert.Fail($"The official runtime has not come back within {Patience}.");
        }

        Assert.True(node.ExitCode == 0, messages.Result);
        using var outcome = JsonDocument.Parse(File.ReadAllText(result));
        return new TrainingOutcome([.. outcome.RootElement.GetProperty("losses").EnumerateArray().Select(static loss => loss.GetSingle())], Floats("parameters"), Floats("evaluation"));

        float[] Floats(string name) => MemoryMarshal.Cast<byte, float>(outcome.RootElement.GetProperty(name).GetBytesFromBase64()).ToArray();
    }
}

/// <summary>A tensor that is fed.</summary>
internal sealed record Fed(string Name, string Type, IReadOnlyList<long> Dims, byte[] Data)
{
    /// <summary>What a session is about to be fed.</summary>
    public static IReadOnlyList<Fed> Of(BoundSession session, GraphManifest manifest) => [.. manifest.Inputs.Select(input => input.Type == "Int64"
        ? new Fed(input.Name, "int64", input.Shape, MemoryMarshal.AsBytes(session.Tensor<long>(input.Name)).ToArray())
        : new Fed(input.Name, "float32", input.Shape, MemoryMarshal.AsBytes(session.Tensor(input.Name)).ToArray()))];
}
