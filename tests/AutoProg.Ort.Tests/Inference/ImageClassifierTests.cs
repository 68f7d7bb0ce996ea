using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Data;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Files;
using AutoProg.Ort.Inference;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Inference;

public sealed class ImageClassifierTests : InTemporaryFolder
{
    [Theory]
    [InlineData("deit")]
    [InlineData("volo")]
    [InlineData("resnet")]
    public void An_exported_model_classifies_as_it_was_evaluated(string model)
    {
        var recipe = TinyRecipes.Of(model, GrowthPolicyKind.Original);
        recipe = recipe with { Training = recipe.Training with { Epochs = 3 }, Data = recipe.Data with { ValSamples = 40 }, Optimizer = recipe.Optimizer with { Lr = 3e-3 } };
        var run = new ProgressiveTrainer(recipe, new TrainerOptions { Output = Folder, Experiment = "run" }).Run();
        var images = ImageDatasets.Open(recipe.Data, recipe.Seed, CancellationToken.None).Val;

        using var classifier = ImageClassifier.Open(At("run", "export", "model.onnx"), threads: 1);

        Assert.Equal(images.ClassNames, classifier.ClassNames);
        Assert.Equal(recipe.Model.ImgSize, classifier.Resolution);
        var right = Enumerable.Range(0, images.Count).Count(i =>
        {
            // What a data set draws at the size that evaluation asks for, as a file.
            using var image = images.Load(i, 2 * (int)(classifier.Resolution / recipe.Augmentation.CropPct));
            var classes = classifier.Classify(SampleImages.ToPng(image));
            Assert.Equal(1, classes.Sum(static c => c.Probability), 1e-5);
            Assert.Equal(classes, classes.OrderByDescending(static c => c.Probability));
            return classes[0].Name == images.ClassNames[images.LabelOf(i)];
        });
        Assert.Equal(run.Final!.Top1!.Value, 100.0 * right / images.Count, 1e-9);
    }

    [Fact]
    public void Logits_whose_exponentials_are_infinite_give_probabilities_too()
    {
        var b = new GraphBuilder();
        var image = b.Input("image", ElementType.Float, [1, 3, 4, 4]);
        b.Output("logits", b.Scale(b.ReduceMean(image, [2, 3]), 1000));
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["mean"] = "[0,0,0]", ["std"] = "[1,1,1]" };
        File.WriteAllBytes(At("m.onnx"), OnnxWriter.Write(b.Build(), "m", metadata));
        using var classifier = ImageClassifier.Open(At("m.onnx"), threads: 1);
        using var red = new RgbImage(4, 4, [.. Enumerable.Range(0, 16).SelectMany(static _ => new byte[] { 255, 0, 0 })]);

        Assert.Equal([1.0, 0, 0], classifier.Classify(red).Select(static c => c.Probability));
    }

    [Fact]
    public void What_is_no_image_and_no_classifier_is_refused()
    {
        TinyRuns.Train(Folder, TinyRuns.Recipe with { Training = TinyRuns.Recipe.Training with { Epochs = 1 } });
        using (var classifier = ImageClassifier.Open(At("run", "export", "model.onnx")))
        {
            Assert.Equal("not an image in a supported format", Assert.Throws<ImageUnreadableException>(() => classifier.Classify("no image"u8)).Message);
            Assert.Equal("not an image in a supported format", Assert.Throws<ImageUnreadableException>(() => classifier.Classify([])).Message);
        }

        File.WriteAllText(At("text.onnx"), "no model");
        Assert.StartsWith($"{At("text.onnx")}: ", Assert.Throws<FileFormatException>(() => ImageClassifier.Open(At("text.onnx"))).Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => ImageClassifier.Open(At("missing.onnx")));
    }
}
