using AutoProg.Ort.Training;

namespace TrainAndServe.Tests;

public sealed class LiveModelTests : IDisposable
{
    private readonly string output = Directory.CreateTempSubdirectory("autoprog-live-").FullName;

    public void Dispose() => Directory.Delete(output, recursive: true);

    [Fact]
    public void A_model_that_somebody_uses_outlives_its_successor()
    {
        var recipe = TrainingService.RecipeOf(seed: 1, weights: null);
        var run = new ProgressiveTrainer(recipe with { Training = recipe.Training with { Epochs = 2 } }, new TrainerOptions { Output = output, Experiment = "run" }).Run();
        var file = Path.Combine(run.Folder!, "export", "model.onnx");
        var image = new AutoProg.Ort.Data.RgbImage(8, 8, new byte[8 * 8 * 3]);
        using var live = new LiveModel();
        Assert.Null(live.Borrow());

        live.Swap("first", file);
        var first = live.Borrow()!;
        var classifier = first.Classifier;
        live.Swap("second", file);

        Assert.Equal(("first", "second"), (first.Version, live.Version));
        Assert.Equal(10, classifier.Classify(image).Count);
        first.Dispose();
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => classifier.Classify(image));
        using var second = live.Borrow();
        Assert.Equal(10, second!.Classifier.Classify(image).Count);
    }
}
