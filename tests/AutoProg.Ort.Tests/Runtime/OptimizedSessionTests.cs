using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Tests.Runtime;

/// <summary>ONNX Runtime rewrites graphs when it loads them. No rewrite may change what a training graph computes.</summary>
public sealed class OptimizedSessionTests
{
    // Folding and fusing change the order of a few float32 operations.
    private const double Tolerance = 1e-5;

    private static readonly ModelSizes Micro = new() { ImgSize = 16, PatchSize = 4, EmbedDim = 24, NumHeads = 2, Depth = 2, NumClasses = 5 };

    public static TheoryData<string, int, bool, bool> Cases()
    {
        var cases = new TheoryData<string, int, bool, bool>();
        foreach (var name in DeiT.Variants.Keys)
        {
            cases.Add(name, 16, false, false);
            cases.Add(name, 16, true, false);
            cases.Add(name, 12, true, true);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Sessions_as_training_loads_them_give_the_loss_and_gradients_of_unoptimised_ones(string model, int resolution, bool dropPath, bool branchScale)
    {
        var artifact = new SubNetworkGraphs(ModelCatalog.Create(model, Micro with { BranchScale = branchScale })).Training(new SubNetwork(resolution, 2), batch: 3, dropPath);
        AssertEqual(artifact.Model, artifact.Manifest);
    }

    [Theory]
    [InlineData(DiffusionLossKind.Mse, 16, 0)]
    [InlineData(DiffusionLossKind.Hybrid, 16, 4)]
    [InlineData(DiffusionLossKind.Hybrid, 8, 0)]
    [InlineData(DiffusionLossKind.Vb, 8, 4)]
    public void So_do_sessions_of_diffusion_models(DiffusionLossKind kind, int resolution, int stages)
    {
        var graph = ModelCatalog.Create("dit_micro", Micro with { NumStages = stages }).Build(resolution, 2, 3, ModelGraphOptions.Inference);
        var losses = DiffusionLoss.Attach(graph, NoiseSchedule.Create(BetaSchedule.Linear), kind);
        var (model, manifest) = TrainingGraph.Create(graph.Builder, losses.Loss, static _ => true).Write("dit_micro");
        AssertEqual(model, manifest);
    }

    private static void AssertEqual(byte[] model, GraphManifest manifest)
    {
        using var optimized = Device.Open("cpu", 1).Load(model, manifest.Name);
        using var options = new SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL };
        using var plain = new InferenceSession(model, options);
        var (actual, expected) = (Run(optimized, manifest), Run(plain, manifest));
        Assert.Equal(manifest.Outputs.Select(static o => o.Name), expected.Keys);
        foreach (var (name, golden) in expected)
        {
            Assert.True(Norm(golden) > 0, name);
            var error = Norm([.. golden.Zip(actual[name], static (g, a) => g - a)]) / Norm(golden);
            Assert.True(error <= Tolerance, $"{name}: {error:E1}");
        }
    }

    private static Dictionary<string, float[]> Run(InferenceSession session, GraphManifest manifest)
    {
        var random = new CounterRandom(1, RandomPurpose.Weights);
        string[] names = [.. manifest.Inputs.Concat(manifest.Parameters).Select(static entry => entry.Name)];
        OrtValue[] values = [.. manifest.Inputs.Concat(manifest.Parameters).Select(entry => Draw(entry, ref random))];
        using var runOptions = new RunOptions();
        using var outputs = session.Run(runOptions, names, values, [.. manifest.Outputs.Select(static o => o.Name)]);
        var results = manifest.Outputs.Zip(outputs).ToDictionary(static pair => pair.First.Name, static pair => pair.Second.GetTensorDataAsSpan<float>().ToArray(), StringComparer.Ordinal);
        foreach (var value in values)
        {
            value.Dispose();
        }

        return results;
    }

    private static OrtValue Draw(TensorEntry entry, ref CounterRandom random)
    {
        var count = entry.Shape.Aggregate(1L, static (product, dim) => product * dim);
        if (entry.Type == nameof(Graphs.ElementType.Int64))
        {
            return OrtValue.CreateTensorValueFromMemory([.. Enumerable.Range(0, (int)count).Select(static i => 2L * i)], [.. entry.Shape]);
        }

        var elements = new float[count];
        foreach (ref var element in elements.AsSpan())
        {
            element = entry.Name == SubNetworkGraphs.TargetInput ? (float)random.NextDouble() : (float)(0.3 * random.NextNormal()) + (entry.Name.Contains("norm", StringComparison.Ordinal) ? 1 : 0);
        }

        return OrtValue.CreateTensorValueFromMemory(elements, [.. entry.Shape]);
    }

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(static v => (double)v * v));
}
