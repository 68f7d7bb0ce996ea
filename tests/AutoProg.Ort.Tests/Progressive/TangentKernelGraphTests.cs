using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Parity;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Progressive;

/// <summary>Gram matrices of whole models, beside the gradients of each sample on its own.</summary>
public sealed class TangentKernelGraphTests
{
    private const int Batch = 3;
    private const double NormWise = 1e-4;

    [Theory]
    [InlineData("deit_micro", 16, "")]          // every parameter
    [InlineData("deit_micro", 8, "")]           // positions are resampled
    [InlineData("dit_micro", 16, "")]
    [InlineData("dit_micro", 8, "weight")]
    public void Gram_matrices_agree_with_gradients_of_one_sample_at_a_time(string name, int resolution, string selected)
    {
        var model = Small(name);
        bool Selects(string parameter) => parameter.Contains(selected, StringComparison.Ordinal);
        using var device = Device.Open("cpu", 1);
        using var arena = new ParameterArena(model.Parameters, new ArenaOptions());
        Randomize(arena);

        var whole = model.Build(resolution, model.MaxDepth, Batch, ModelGraphOptions.Inference);
        var (bytes, manifest) = TangentKernelGraph.Create(whole.Builder, whole.Output, Selects).Write("ntk");
        using var kernelSession = new EvalSession(device, bytes, manifest);
        kernelSession.Bind(parameter => arena.View(ArenaBuffer.Weights, parameter));
        Feed(kernelSession, manifest, model, 0, Batch);
        kernelSession.Run();
        var kernel = NeuralTangentKernel.Of(kernelSession, manifest);

        var gradients = OneByOne(device, model, arena, resolution, Selects);
        Assert.Equal(model.Parameters.Select(static p => p.Name).Where(Selects).Order(), kernel.Parameters.Order());
        Assert.Equal(Batch, kernel.Batch);
        foreach (var parameter in kernel.Parameters)
        {
            var expected = Products([.. gradients.Select(sample => sample[parameter])]);
            var actual = kernel.Matrix(p => p == parameter);
            Assert.True(Deviation.OfTensor([.. actual.Select(static v => (float)v)], expected) < NormWise, $"{parameter} deviates by {Deviation.OfTensor([.. actual.Select(static v => (float)v)], expected)}.");
        }
    }

    private static IElasticModel Small(string name) => ModelCatalog.Create(name, new ModelSizes
    {
        ImgSize = 16,
        PatchSize = 4,
        EmbedDim = 16,
        NumHeads = 2,
        Depth = 2,
        NumClasses = 5,
        NumStages = name == "dit_micro" ? 4 : 0,
        BranchScale = name == "deit_micro",
    });

    /// <summary>A fresh model has zeros that would hide what is wrong.</summary>
    private static void Randomize(ParameterArena arena)
    {
        var random = new Random(3);
        foreach (var slot in arena.Layout.Slots)
        {
            foreach (ref var weight in arena.Values(ArenaBuffer.Weights, slot.Name))
            {
                weight = (float)(0.6 * (random.NextDouble() - 0.5));
            }
        }
    }

    private static List<Dictionary<string, float[]>> OneByOne(Device device, IElasticModel model, ParameterArena arena, int resolution, Func<string, bool> selects)
    {
        var single = model.Build(resolution, model.MaxDepth, 1, ModelGraphOptions.Inference);
        var (bytes, manifest) = TrainingGraph.Create(single.Builder, single.Builder.ReduceSum(single.Output, []), selects).Write("one");
        using var session = new StepSession(device, bytes, manifest);
        session.Bind(parameter => arena.View(ArenaBuffer.Weights, parameter), parameter => arena.View(ArenaBuffer.Gradients, parameter));
        var samples = new List<Dictionary<string, float[]>>();
        for (var sample = 0; sample < Batch; sample++)
        {
            Feed(session, manifest, model, sample, 1);
            session.Run();
            samples.Add(manifest.Gradients.Keys.ToDictionary(static p => p, p => arena.Read(ArenaBuffer.Gradients, p).ToArray()));
        }

        return samples;
    }

    /// <summary>Sample i is the same whatever batch it comes in; samples 0 and 2 share label and stage.</summary>
    private static void Feed(BoundSession session, GraphManifest manifest, IElasticModel model, int first, int count)
    {
        foreach (var input in manifest.Inputs)
        {
            for (var i = 0; i < count; i++)
            {
                var sample = first + i;
                switch (input.Name)
                {
                    case DiT.TimestepInput:
                        session.Tensor<long>(input.Name)[i] = 7 + (300 * sample);
                        break;
                    case DiT.LabelInput or DiT.StageInput:
                        session.Tensor<long>(input.Name)[i] = sample % 2 == 0 ? 2 : ((DiT)model).NullStage;
                        break;
                    default:
                        var random = new Random(100 + sample);
                        var length = session.Tensor(input.Name).Length / count;
                        foreach (ref var element in session.Tensor(input.Name).Slice(i * length, length))
                        {
                            element = (float)((2 * random.NextDouble()) - 1);
                        }

                        break;
                }
            }
        }
    }

    private static float[] Products(float[][] gradients) =>
        [.. gradients.SelectMany(left => gradients.Select(right => (float)left.Zip(right, static (l, r) => (double)l * r).Sum()))];
}
