using AutoProg.Graphs;
using AutoProg.Ort.Data;
using AutoProg.Ort.Files;
using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Tests.Training;

public sealed class ModelExportTests : InTemporaryFolder
{
    private readonly RunSummary summary;
    private readonly string run;

    public ModelExportTests()
    {
        summary = new ProgressiveTrainer(TinyRuns.Recipe, new TrainerOptions { Output = Folder, Experiment = "run" }).Run();
        run = summary.Folder!;
    }

    [Fact]
    public void A_finished_run_leaves_a_model_that_plain_onnx_runtime_runs_to_the_run_s_accuracy()
    {
        using var session = new InferenceSession(Path.Combine(run, "export", "model.onnx"));
        Assert.Equal(["image"], session.InputNames);
        Assert.Equal(["logits", "features"], session.OutputNames);
        Assert.Equal([-1, 3, 16, 16], session.InputMetadata["image"].Dimensions);
        Assert.Equal([-1, 10], session.OutputMetadata["logits"].Dimensions);
        Assert.Equal([-1, 12], session.OutputMetadata["features"].Dimensions);

        var score = StrangersEvaluation.Of(Path.Combine(run, "export", "model.onnx"), TinyRuns.Recipe, 16);
        Assert.Equal(summary.Final!.Top1, score.Top1);
        Assert.Equal(summary.Final.Loss, score.Loss, 1e-5);
    }

    [Fact]
    public void Its_features_are_what_the_head_turns_into_logits()
    {
        using var device = Device.Open("cpu", 1);
        var path = Path.Combine(run, "export", "model.onnx");
        using FeatureExtractor features = FeatureExtractor.Open(device, path), logits = FeatureExtractor.Open(device, path, new() { Output = "logits" });
        Assert.Equal(("features", 16), (features.Output, features.Resolution));
        using var weights = SafetensorsReader.Open(Path.Combine(run, "export", "model.safetensors"));
        var width = features.Dimension;
        var (weight, bias) = (new float[10 * width], new float[10]);
        weights.Read("head.weight", weight);
        weights.Read("head.bias", bias);
        using var image = new RgbImage(16, 16, [.. Enumerable.Range(0, 16 * 16 * 3).Select(static i => (byte)(i * 7))]);
        var (vector, expected) = (features.Extract([image]), logits.Extract([image]));
        for (var c = 0; c < 10; c++)
        {
            Assert.Equal(expected[c], bias[c] + vector.Select((v, i) => (double)v * weight[(c * width) + i]).Sum(), 1e-4);
        }
    }

    [Fact]
    public void The_file_says_what_it_holds_and_how_images_are_prepared()
    {
        using var session = new InferenceSession(Path.Combine(run, "export", "model.onnx"));
        var metadata = session.ModelMetadata.CustomMetadataMap;
        Assert.Equal(summary.Final!.Weights, metadata["weights"]);
        Assert.Equal(("tiny", "16", "4", "10"), (metadata["recipe"], metadata["resolution"], metadata["depth"], metadata["classes"]));
        Assert.Equal("[0.485,0.456,0.406]", metadata["mean"]);
        Assert.Equal("[0.229,0.224,0.225]", metadata["std"]);
        Assert.Equal(10, System.Text.Json.JsonSerializer.Deserialize<string[]>(metadata["class_names"])!.Length);
        using var weights = SafetensorsReader.Open(Path.Combine(run, "export", "model.safetensors"));
        Assert.Equal(metadata, weights.Metadata);
    }

    [Fact]
    public void Weights_are_exported_under_the_reference_s_names()
    {
        using var weights = SafetensorsReader.Open(Path.Combine(run, "export", "model.safetensors"));
        Assert.Contains("blocks.3.attn.qkv.weight", weights.Entries.Select(static e => e.Name));
        Assert.Equal(4 + (4 * 12) + 4, weights.Entries.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void A_batch_size_that_is_asked_for_is_fixed(int batchSize)
    {
        using var model = TrainedModel.Open(run);
        var result = ModelExport.Run(model, new ExportOptions { BatchSize = batchSize, Weights = "ema-0.9", Output = At("elsewhere", "fixed.onnx") });
        Assert.Equal((batchSize, "ema-0.9", null), (result.BatchSize, result.Weights, result.Remark));
        using var session = new InferenceSession(result.Path);
        Assert.Equal([batchSize, 3, 16, 16], session.InputMetadata["image"].Dimensions);
        Assert.InRange(result.WorstDifference, 0, 1e-4);
    }

    [Fact]
    public void Another_resolution_resamples_the_positions()
    {
        using var model = TrainedModel.Open(run);
        var result = ModelExport.Run(model, new ExportOptions { Resolution = 24, Output = At("large.onnx") });
        using var session = new InferenceSession(result.Path);
        Assert.Equal([-1, 3, 24, 24], session.InputMetadata["image"].Dimensions);
    }

    [Fact]
    public void A_folder_of_on_device_training_holds_the_weights_and_says_what_they_are()
    {
        using var model = TrainedModel.Open(run);
        var result = ModelExport.Run(model, new ExportOptions { Format = ExportFormat.OrtTraining, BatchSize = 4, Weights = "ema-0.9" });
        Assert.Equal((Path.Combine(run, "export", "ort-training"), 4), (result.Path, result.BatchSize!.Value));
        Assert.StartsWith("Weight decay 0.05 holds for every parameter there", result.Remark, StringComparison.Ordinal);
        Assert.InRange(result.WorstDifference, 0, 1e-4);

        using var checkpoint = OnDeviceCheckpointReader.Open(Path.Combine(result.Path, TrainingArtifacts.CheckpointFile));
        Assert.Equal(("ema-0.9", "16", "4"), (checkpoint.Metadata["weights"], checkpoint.Metadata["resolution"], checkpoint.Metadata["depth"]));
        var head = new float[10 * 12];
        checkpoint.Read("head.weight", head);
        Assert.Equal(model.Parts.Arena.Read(model.Choices["ema-0.9"], "head.weight").ToArray(), head);
        Assert.DoesNotContain(Directory.GetFileSystemEntries(Path.Combine(run, "export")), static entry => Path.GetFileName(entry).StartsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void A_model_outside_of_a_run_is_exported_only_to_a_named_file()
    {
        var moved = Directory.CreateDirectory(At("a", "b", "c", "d")).FullName + "/model.safetensors";
        File.Copy(Path.Combine(run, "export", "model.safetensors"), moved);
        using var model = TrainedModel.Open(moved, Path.Combine(run, "recipe.yaml"));
        Assert.StartsWith("The model lies in no run's folder; name the file to write.", Assert.Throws<ArgumentException>(() => ModelExport.Run(model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_export_that_does_not_agree_with_the_live_model_is_not_kept()
    {
        using var model = TrainedModel.Open(run);
        model.Parts.Arena.Weights.Span(0, (int)model.Parts.Arena.Layout.Length).Fill(float.NaN);
        foreach (var format in new[] { ExportFormat.Onnx, ExportFormat.OrtTraining })
        {
            var error = Assert.Throws<ExportException>(() => ModelExport.Run(model, new ExportOptions { Format = format, Weights = "online", Output = At("nan") }));
            Assert.Contains("its results differ from the live model's", error.Message, StringComparison.Ordinal);
            Assert.False(Path.Exists(At("nan")));
        }

        Assert.Empty(Directory.EnumerateFiles(Folder));
    }

    [Fact]
    public void A_model_of_which_nothing_learns_is_refused_as_what_cannot_be_exported()
    {
        var recipe = TinyRecipes.Diffusion(GrowthPolicyKind.Prog);
        var first = TinyRuns.Train(At("frozen"), recipe with { Training = recipe.Training with { MaxTrainSteps = 1 } });
        using var model = TrainedModel.Open(first, overrides: [RecipeOverride.FromSet("growth.unfreeze=names"), RecipeOverride.FromSet("growth.unfreeze_names=[',', '*', '*', '*']")]);

        var error = Assert.Throws<ExportException>(() => ModelExport.Run(model, new ExportOptions { Format = ExportFormat.OrtTraining, Output = At("phone") }));

        Assert.StartsWith($"{At("phone")}: None of the parameters is learnable", error.Message, StringComparison.Ordinal);
        Assert.IsType<GraphException>(error.InnerException);
    }
}
