using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Import;
using AutoProg.Ort.Files;
using AutoProg.Ort.Foreign;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Tests.Foreign;

public sealed class ModelDifferentiationTests : InTemporaryFolder
{
    private const int Batch = 3;

    // One kernel may add in another order than the next.
    private const double Rounding = 1e-4;

    [Theory]
    [InlineData("vit", BatchNormMode.File)]
    [InlineData("resnet", BatchNormMode.Eval)]
    public void What_is_written_trains_in_plain_ONNX_Runtime_from_the_weights_of_the_file(string model, BatchNormMode batchNorm)
    {
        var result = Differentiate(model, new DifferentiationOptions { Loss = LossKind.CrossEntropy, Output = At("out"), BatchNorm = batchNorm, Shapes = Image });
        var weights = Weights();
        var fed = weights.ToDictionary(static w => w.Key, static w => OrtValue.CreateTensorValueFromMemory(w.Value.Elements, [.. w.Value.Shape]), StringComparer.Ordinal);
        fed["labels"] = OrtValue.CreateTensorValueFromMemory(new long[] { 1, 7, 4 }, [Batch]);
        float[] images = [.. Enumerable.Range(0, Batch * 3 * 32 * 32).Select(static i => (float)Math.Sin(0.7 * i))];
        fed["input"] = OrtValue.CreateTensorValueFromMemory(images, [Batch, 3, 32, 32]);

        using var training = new InferenceSession(At("out", "training.onnx"));
        using var forward = new InferenceSession(TinyRecipes.ModelFile(model));
        using var options = new RunOptions();
        using var logits = forward.Run(options, ["input"], [fed["input"]], ["output"]);
        using var step = training.Run(options, training.InputNames, [.. training.InputNames.Select(name => fed[name])], training.OutputNames);

        var loss = step[training.OutputNames.ToList().IndexOf("loss")].GetTensorDataAsSpan<float>()[0];
        Assert.Equal(CrossEntropy(logits[0].GetTensorDataAsSpan<float>(), [1, 7, 4]), loss, Rounding);
        Assert.Equal(result.Trainable.Select(static name => name + TrainingGraph.GradientSuffix), training.OutputNames.Where(static name => name.EndsWith(TrainingGraph.GradientSuffix, StringComparison.Ordinal)));
        Assert.Equal(result.Trainable.Order(), weights.Keys.Order());
        foreach (var value in fed.Values)
        {
            value.Dispose();
        }
    }

    [Fact]
    public void In_training_mode_running_statistics_are_told_and_stored_beside_what_learns()
    {
        var result = Differentiate("resnet", new DifferentiationOptions { Loss = LossKind.SoftTarget, Output = At("out"), BatchNorm = BatchNormMode.Train, Shapes = Image });

        Assert.Contains("bn1.running_mean", result.Statistics);
        using var session = new InferenceSession(At("out", "training.onnx"));
        Assert.Equal(result.Statistics.Select(static name => name + TrainingGraph.StatisticSuffix), session.OutputNames.Where(static name => name.EndsWith(TrainingGraph.StatisticSuffix, StringComparison.Ordinal)));
        Assert.DoesNotContain("bn1.running_mean", session.InputNames);
        Assert.Equal(result.Trainable.Concat(result.Statistics).Order(), Weights().Keys.Order());
    }

    [Fact]
    public void Only_what_patterns_name_and_no_pattern_freezes_learns()
    {
        var result = Differentiate("vit", new DifferentiationOptions
        {
            Loss = LossKind.CrossEntropy,
            Output = At("out"),
            Batch = 2,
            Trainable = ["heads.*", "encoder.layers.encoder_layer_3.*"],
            Freeze = ["*.bias", "*in_proj_bias"],
        });
        Assert.Equal(
            [
                "encoder.layers.encoder_layer_3.ln_1.weight", "encoder.layers.encoder_layer_3.ln_2.weight", "encoder.layers.encoder_layer_3.mlp.0.weight",
                "encoder.layers.encoder_layer_3.mlp.3.weight", "encoder.layers.encoder_layer_3.self_attention.in_proj_weight", "encoder.layers.encoder_layer_3.self_attention.out_proj.weight",
                "heads.head.weight",
            ],
            result.Trainable.Order(StringComparer.Ordinal));
        Assert.Equal(7, Weights().Count);
        Assert.Equal(32 + 32 + (64 * 32) + (32 * 64) + (96 * 32) + (32 * 32) + (10 * 32), result.Parameters);
    }

    [Theory]
    [InlineData("nothing.*", "", "Pattern 'nothing.*' names no Float tensor stored in ")]
    [InlineData("heads.*", "head?.*", "Nothing of ")]
    public void Patterns_that_leave_nothing_are_refused(string trainable, string freeze, string message)
    {
        var error = Assert.Throws<ArgumentException>(() => Differentiate(
            "vit", new DifferentiationOptions { Loss = LossKind.CrossEntropy, Output = At("out"), Batch = 2, Trainable = [trainable], Freeze = freeze.Length == 0 ? [] : [freeze] }));
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("out")));
    }

    [Fact]
    public void A_loss_that_does_not_fit_the_output_is_refused_by_the_file_s_name()
    {
        var error = Assert.Throws<OnnxFormatException>(() => Differentiate("vit", new DifferentiationOptions { Loss = LossKind.PerPixelCrossEntropy, Output = At("out"), Batch = 2 }));
        Assert.StartsWith(TinyRecipes.ModelFile("vit"), error.Message, StringComparison.Ordinal);
        Assert.Contains("has shape [2, 10]; [batch, classes, places ...] is needed for this loss.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_segmenter_learns_classes_of_pixels_in_plain_ONNX_Runtime_and_pixels_without_a_class_do_not_count()
    {
        var model = Segmenter();
        var result = ModelDifferentiation.Run(model, new DifferentiationOptions { Loss = LossKind.PerPixelCrossEntropy, Output = At("out"), Trainable = ["*.weight"] });
        var weights = Weights();

        // Top and bottom are red and not red, left and right green and not green. The class of a pixel is the quarter that it lies in; the lines between have none.
        long[] labels = [.. Enumerable.Range(0, 2 * 64).Select(static i => (Row: i / 8 % 8, Column: i % 8) is { Row: not 4, Column: not 4 } p ? (p.Row / 4 * 2) + (p.Column / 4) : 255L)];
        float[] images = [.. Enumerable.Range(0, 2 * 3 * 64).Select(static i => (i / 64 % 3) switch { 0 => i / 8 % 8 < 4 ? 1f : -1f, 1 => i % 8 < 4 ? 1f : -1f, _ => MathF.Sin(i) })];

        using var training = new InferenceSession(At("out", "training.onnx"));
        var losses = new List<float>();
        for (var step = 0; step < 60; step++)
        {
            losses.Add(Descend(training, images, labels, weights));
        }

        Assert.Equal(["body.weight", "head.weight"], result.Trainable.Order());
        Assert.True(losses[^1] < 0.5 * losses[0], $"from {losses[0]} to {losses[^1]}");

        // Loss and accuracy as a stranger would compute them, of pixels with a class alone.
        var loss = Descend(training, images, labels, weights, rate: 0);
        var (expected, right, count) = Judge(Segmenter(weights), images, labels);
        Assert.Equal(expected, loss, Rounding);
        Assert.Equal(2 * 49, count);
        Assert.True(right > 0.9 * count, $"{right} of {count}");
    }

    private static Dictionary<string, Shape> Image => new() { ["input"] = [Batch, 3, 32, 32] };

    private static DifferentiatedModel Differentiate(string model, DifferentiationOptions options) => ModelDifferentiation.Run(TinyRecipes.ModelFile(model), options);

    private Dictionary<string, (Shape Shape, float[] Elements)> Weights()
    {
        using var reader = SafetensorsReader.Open(At("out", "weights.safetensors"));
        return reader.Entries.ToDictionary(static e => e.Name, e =>
        {
            var elements = new float[e.Shape.ElementCount];
            reader.Read(e.Name, elements);
            return (e.Shape, elements);
        });
    }

    /// <summary>Two convolutions at half the size, and classes at full size.</summary>
    private string Segmenter(Dictionary<string, (Shape Shape, float[] Elements)>? trained = null)
    {
        var b = new GraphBuilder();
        var image = b.Input("image", ElementType.Float, [2, 3, 8, 8]);
        var features = b.Relu(b.Conv(image, b.Parameter("body.weight", [16, 3, 3, 3]), strides: [2, 2], pads: [1, 1, 1, 1]));
        b.Output("classes", b.Resize2D(b.Conv(features, b.Parameter("head.weight", [4, 16, 1, 1])), 8, 8, ResizeMode.Linear));
        var graph = b.Build();
        var shapes = graph.Parameters.ToDictionary(static p => p.Name, static p => p.Shape, StringComparer.Ordinal);
        var path = At(trained is null ? "segmenter.onnx" : "trained.onnx");
        File.WriteAllBytes(path, OnnxWriter.WriteWithWeights(graph, "segmenter", name => Tensor.FromFloats(shapes[name], trained?[name].Elements ?? Waves((int)shapes[name].ElementCount))));
        return path;
    }

    /// <summary>A step of plain gradient descent.</summary>
    /// <returns>The loss before it.</returns>
    private static float Descend(InferenceSession training, float[] images, long[] labels, Dictionary<string, (Shape Shape, float[] Elements)> weights, float rate = 0.5f)
    {
        var fed = weights.ToDictionary(static w => w.Key, static w => OrtValue.CreateTensorValueFromMemory(w.Value.Elements, [.. w.Value.Shape]), StringComparer.Ordinal);
        fed["image"] = OrtValue.CreateTensorValueFromMemory(images, [2, 3, 8, 8]);
        fed["labels"] = OrtValue.CreateTensorValueFromMemory(labels, [2, 8, 8]);
        using var options = new RunOptions();
        using var results = training.Run(options, training.InputNames, [.. training.InputNames.Select(name => fed[name])], training.OutputNames);
        foreach (var (name, (_, elements)) in weights)
        {
            var gradient = Result(name + TrainingGraph.GradientSuffix);
            for (var i = 0; i < elements.Length; i++)
            {
                elements[i] -= rate * gradient[i];
            }
        }

        var loss = Result("loss")[0];
        fed.Values.ToList().ForEach(static value => value.Dispose());
        return loss;

        ReadOnlySpan<float> Result(string name) => results[training.OutputNames.ToList().IndexOf(name)].GetTensorDataAsSpan<float>();
    }

    private static (double Loss, int Right, int Count) Judge(string model, float[] images, long[] labels)
    {
        using var session = new InferenceSession(model);
        using var options = new RunOptions();
        using var image = OrtValue.CreateTensorValueFromMemory(images, [2, 3, 8, 8]);
        using var results = session.Run(options, ["image"], [image], ["classes"]);
        var logits = results[0].GetTensorDataAsSpan<float>().ToArray();
        var pixels = Enumerable.Range(0, labels.Length).Where(i => labels[i] != 255)
            .Select(i => (Label: (int)labels[i], Logits: Enumerable.Range(0, 4).Select(c => (double)logits[(((i / 64) * 4) + c) * 64 + (i % 64)]).ToList())).ToList();
        return (
            pixels.Average(static p => Math.Log(p.Logits.Sum(Math.Exp)) - p.Logits[p.Label]),
            pixels.Count(static p => p.Logits.IndexOf(p.Logits.Max()) == p.Label),
            pixels.Count);
    }

    private static float[] Waves(int count) => [.. Enumerable.Range(0, count).Select(static i => MathF.Sin(i * 1.7f))];

    private static double CrossEntropy(ReadOnlySpan<float> logits, int[] labels)
    {
        var (classes, sum) = (logits.Length / labels.Length, 0.0);
        for (var i = 0; i < labels.Length; i++)
        {
            var row = logits.Slice(i * classes, classes).ToArray();
            sum += Math.Log(row.Sum(static l => Math.Exp(l))) - row[labels[i]];
        }

        return sum / labels.Length;
    }
}
