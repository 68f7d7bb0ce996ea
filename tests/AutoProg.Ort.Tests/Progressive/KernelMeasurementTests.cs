using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Import;
using AutoProg.Models;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Parity;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Progressive;

public sealed class KernelMeasurementTests : InTemporaryFolder
{
    private const int Batch = 3;

    // Products of float32 gradients, summed in another order.
    private const double NormWise = 1e-4;

    [Theory]
    [InlineData(1 << 26)]
    [InlineData(1 << 10)] // several passes over the samples
    public void A_model_file_is_measured_sample_by_sample_and_has_the_kernel_of_the_model_that_it_was_made_of(long elementsAtOnce)
    {
        var model = ModelCatalog.Create("deit_micro", new ModelSizes { ImgSize = 16, PatchSize = 4, EmbedDim = 16, NumHeads = 2, Depth = 2, NumClasses = 5 });
        using var arena = new ParameterArena(model.Parameters, new ArenaOptions());
        ParameterInitialization.Fill(arena, seed: 3);
        var network = new SubNetwork(16, model.MaxDepth);
        var graph = new SubNetworkGraphs(LearningTask.Classify(model)).InferenceGraph(network, 1);
        File.WriteAllBytes(At("deit.onnx"), OnnxWriter.WriteWithWeights(graph, "deit", name => Tensor.FromFloats(arena.Layout[name].Parameter.Shape, arena.Read(ArenaBuffer.Weights, name))));
        var file = new ForeignModel("deit", OnnxModelFile.Open(At("deit.onnx")));
        using var stored = new ParameterArena(file.Parameters, new ArenaOptions());
        ParameterInitialization.Fill(stored, seed: 4);

        var (expected, actual) = (Measure(model, arena, network), Measure(file, stored, new SubNetwork(16, 1), elementsAtOnce));

        // Of a file counts what has more than one axis, whatever it is called.
        Assert.Equal(expected.Parameters.Where(name => arena.Layout[name].Parameter.Shape.Rank > 1).Append("cls_token").Append("pos_embed").Order(), actual.Parameters.Order());
        foreach (var name in expected.Parameters.Intersect(actual.Parameters))
        {
            Assert.InRange(Deviation.OfTensor(Matrix(actual, name), Matrix(expected, name)), 0, NormWise);
        }
    }

    private static NeuralTangentKernel Measure(IElasticModel model, ParameterArena arena, SubNetwork network, long elementsAtOnce = 1)
    {
        using var device = Device.Open("cpu", 1);
        using var measurement = new KernelMeasurement(device, new SubNetworkGraphs(LearningTask.Classify(model)), network, Batch, elementsAtOnce);
        measurement.Bind(name => arena.View(ArenaBuffer.Weights, name));
        float[] images = [.. Enumerable.Range(0, Batch * 3 * 16 * 16).Select(static i => (float)Math.Sin(0.7 * i))];
        return measurement.Measure([FedTensor.Of<float>(ModelGraph.ImageInput, images)]);
    }

    private static float[] Matrix(NeuralTangentKernel kernel, string parameter) => [.. kernel.Matrix(name => name == parameter).Select(static v => (float)v)];
}
