using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Gradients.Convolutions;
using AutoProg.Graphs.Passes;
using AutoProg.Graphs.Tests.Evaluation;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Graphs.Tests.Gradients.Convolutions;

/// <summary>Every form of a convolution's gradients, also where another one would be chosen, on convolutions drawn at random.</summary>
public sealed class KernelFormTests
{
    private const int Draws = 120;

    /// <summary>float32 against double over sums of at most some hundred products: 1e-7 times their number, relative to the largest element.</summary>
    private const double SinglePrecision = 1e-4;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, Draws)];

    private delegate Value Form(GraphBuilder b, Convolution conv, Value x, Value dy);

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_form_that_suits_agrees_with_finite_differences(int seed)
    {
        var drawn = Draw(seed);
        var results = DoubleEvaluator.Run(drawn.Case.Training, drawn.Case.Feeds);
        foreach (var (name, target) in drawn.Outputs)
        {
            Assert.Null(FiniteDifferences.Disagreement(drawn.Case, target, results[name], step: 1, new Random(seed)) is { } problem ? $"{name}: {problem}" : null);
        }
    }

    /// <summary>With all of ONNX Runtime's optimisations, which may merge what the forms keep apart.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_form_is_the_same_on_ONNX_Runtime(int seed)
    {
        var drawn = Draw(seed);
        var expected = DoubleEvaluator.Run(drawn.Case.Training, drawn.Case.Feeds);
        var actual = OrtRun.Run(Pass.Standard(drawn.Case.Training), drawn.Case.Feeds, GraphOptimizationLevel.ORT_ENABLE_ALL);
        foreach (var (name, _) in drawn.Outputs)
        {
            Assert.Equal(expected[name].Shape, actual[name].Shape);
            var limit = SinglePrecision * Math.Max(1, expected[name].Values.Max(Math.Abs));
            Assert.All(expected[name].Values.Zip(actual[name].Values), pair => Assert.InRange(pair.Second, pair.First - limit, pair.First + limit));
        }
    }

    [Fact]
    public void The_draws_meet_every_form_and_every_number_of_axes()
    {
        var drawn = Enumerable.Range(0, Draws).Select(Draw).ToList();
        Assert.Equal(["contracted", "contracted apart", "contracted pixels", "dw", "dx", "summed", "summed apart", "summed pixels", "summed together"], drawn.SelectMany(d => d.Outputs.Keys).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal([1, 2, 3], drawn.Select(d => d.Conv.Window.Axes.Count).Distinct().Order());
        Assert.Contains(drawn, d => d.Conv.Window.Axes.Any(a => Reach.OfTap(a, 0).IsOutside));
        Assert.Contains(drawn, d => d.Conv.Window.Axes.Any(a => Reach.OfTaps(a).End < a.Size));
        Assert.Contains(drawn, d => d.Conv is { Groups: > 1, Channels: > 1 });
    }

    /// <summary>Kernels of one tap to four, strides and dilations to three, padding to four, groups to three, one to three axes; their gradients in every form that suits.</summary>
    private static (Convolution Conv, GradientCase Case, IReadOnlyDictionary<string, string> Outputs) Draw(int seed)
    {
        var random = new Random(seed);
        long Size(int least, int most) => random.Next(least, most + 1);
        long[] Sizes(int least, int most, int count) => [.. Enumerable.Range(0, count).Select(_ => Size(least, most))];

        var axes = random.Next(4) switch { 0 => 1, 1 => 3, _ => 2 };
        var isPointwise = random.Next(4) == 0;
        long[] taps = isPointwise ? [.. Enumerable.Repeat(1L, axes)] : Sizes(1, axes == 3 ? 2 : 4, axes);
        long[] pads = isPointwise && random.Next(4) > 0 ? new long[2 * axes] : Sizes(0, axes == 3 ? 1 : 4, 2 * axes);
        var (strides, dilations) = (Sizes(1, 3, axes), random.Next(2) == 0 ? Sizes(1, 1, axes) : Sizes(1, 3, axes));
        var groups = (int)Size(1, 3);
        var size = taps.Select((k, i) => Math.Max(1, (dilations[i] * (k - 1)) + 1 - pads[i] - pads[i + axes]) + Size(0, axes == 3 ? 2 : 5));

        var b = new GraphBuilder();
        var channels = Size(1, 3);
        var x = b.Input("x", ElementType.Float, Shape.Of([Size(1, 3), groups * channels, .. size]));
        var w = b.Input("w", ElementType.Float, Shape.Of([groups * Size(1, 3), channels, .. taps]));
        var y = b.Conv(x, w, strides: strides, pads: pads, dilations: dilations, groups: groups);
        var dy = b.Input("dy", ElementType.Float, y.Shape);
        var loss = b.ReduceSum(b.Mul(y, dy), []);
        b.Output("loss", loss);
        var forward = b.Build();

        var conv = Convolution.Of(y.Producer!);
        foreach (var (name, form) in Forms(conv))
        {
            b.Output(name, form(b, conv, x, dy));
        }

        var gradients = Differentiator.AddGradients(b, loss, [x, w]);
        b.Output("dx", gradients[x]);
        b.Output("dw", gradients[w]);
        var training = b.Build();
        var feeds = forward.Inputs.ToDictionary(i => i.Name, i => DoubleTensor.From(i.Shape, _ => GradientRow.Gaussian(random)), StringComparer.Ordinal);
        var outputs = training.Outputs.Select(o => o.Name).Where(name => name != "loss").ToDictionary(name => name, name => name == "dx" ? "x" : "w", StringComparer.Ordinal);
        return (conv, new GradientCase(forward, training, feeds, ["x", "w"]), outputs);
    }

    private static IEnumerable<(string Name, Form Form)> Forms(Convolution conv)
    {
        yield return ("summed apart", (b, c, x, dy) => InterleavedColumns.SummedOverImages(b, c, x, dy, apart: true));
        yield return ("contracted apart", (b, c, x, dy) => InterleavedColumns.ContractedOverImages(b, c, x, dy, apart: true));
        if (conv.Window.Axes[^1].Dilation == 1)
        {
            yield return ("summed", (b, c, x, dy) => InterleavedColumns.SummedOverImages(b, c, x, dy, apart: false));
            yield return ("contracted", (b, c, x, dy) => InterleavedColumns.ContractedOverImages(b, c, x, dy, apart: false));
        }

        if (conv.Channels == 1 && conv.Window.Axes[^1].Dilation == 1)
        {
            yield return ("summed together", (b, c, x, dy) => InterleavedColumns.GroupsTogether(b, c, x, dy, c.Groups));
        }

        if (PixelProducts.Suit(conv))
        {
            yield return ("summed pixels", PixelProducts.SummedOverImages);
            yield return ("contracted pixels", PixelProducts.ContractedOverImages);
        }
    }
}
