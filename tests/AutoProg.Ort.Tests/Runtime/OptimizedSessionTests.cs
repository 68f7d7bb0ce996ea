using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
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
        using var optimized = Device.Open("cpu", 1).Load(artifact.Model, model);
        using var options = new SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL };
        using var plain = new InferenceSession(artifact.Model, options);
        var (actual, expected) = (Run(optimized, artifact.Manifest), Run(plain, artifact.Manifest));
        Assert.Equal(artifact.Manifest.Outputs.Select(static o => o.Name), expected.Keys);
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
        var elements = new float[entry.Shape.Aggregate(1L, static (product, dim) => product * dim)];
        foreach (ref var element in elements.AsSpan())
        {
            element = entry.Name == SubNetworkGraphs.TargetInput ? (float)random.NextDouble() : (float)(0.3 * random.NextNormal()) + (entry.Name.Contains("norm", StringComparison.Ordinal) ? 1 : 0);
        }

        return OrtValue.CreateTensorValueFromMemory(elements, [.. entry.Shape]);
    }

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(static v => (double)v * v));
}
