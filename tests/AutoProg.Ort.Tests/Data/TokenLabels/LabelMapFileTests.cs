using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Data.TokenLabels;
using AutoProg.Ort.Files;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Data.TokenLabels;

public sealed class LabelMapFileTests : InTemporaryFolder
{
    private static Recipe Recipe => new()
    {
        Name = "labels",
        Model = new ModelRecipe { Name = "volo_micro", EmbedDim = 24, NumHeads = 2, Depth = 4 },
        Data = new DataRecipe { TrainSamples = 24, ValSamples = 12, Workers = 2 },
        Augmentation = new AugmentationRecipe { Mixup = 0, Cutmix = 0 },
        Training = new TrainingRecipe { Epochs = 1, BatchSize = 8, MicroBatchSize = 4, EvalBatchSize = 8 },
        Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Original },
        Schedule = new LearningRateRecipe { WarmupEpochs = 0 },
    };

    [Fact]
    public void A_teacher_labels_images_place_by_place_and_training_reads_them()
    {
        var result = DataLabeling.Run(Recipe, new LabelOptions { Teacher = Teacher(), File = At("labels.safetensors"), Top = 3 });
        Assert.Equal((24, 4), (result.Images, result.Grid));

        var images = ImageDatasets.Open(Recipe.Data, Recipe.Seed).Train;
        using (var maps = LabelMapFile.Open(At("labels.safetensors"), images))
        {
            var rows = new float[16 * images.ClassNames.Count];
            maps.Read(5, ImagePlacement.Whole, 4).Write(rows, images.ClassNames.Count, smoothing: 0);
            Assert.All(rows.Chunk(images.ClassNames.Count), static row =>
            {
                Assert.Equal(1, row.Sum(), 4);
                Assert.Equal(3, row.Count(static share => share > 0));
            });
        }

        var summary = new ProgressiveTrainer(Recipe with { Data = Recipe.Data with { TokenLabels = At("labels.safetensors") } }, new TrainerOptions()).Run();
        Assert.Equal(3, summary.Steps);
    }

    [Fact]
    public void Maps_of_other_images_are_refused()
    {
        DataLabeling.Run(Recipe, new LabelOptions { Teacher = Teacher(), File = At("labels.safetensors") });
        var fewer = ImageDatasets.Open(Recipe.Data with { TrainSamples = 20 }, Recipe.Seed).Train;
        Assert.Contains("it holds maps of 24 images, and", Refusal(fewer), StringComparison.Ordinal);
        var othersOfTheSameClasses = ImageDatasets.Open(Recipe.Data, Recipe.Seed + 1).Train;
        Assert.Contains("it holds maps of other images than those of", Refusal(othersOfTheSameClasses), StringComparison.Ordinal);
        Fill("labels", 1);
        Assert.Contains("image 0 has another class here than in", Refusal(ImageDatasets.Open(Recipe.Data, Recipe.Seed).Train), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"classes\":{\"dtype\":\"U16\"", "\"classes\":{\"dtype\":\"I16\"", "'classes' is I16[24, 5, 4, 4], expected U16 [images, k, g, g]")]
    [InlineData("\"scores\"", "\"scorez\"", "holds no tensor 'scores'")]
    public void A_file_of_another_form_is_refused(string text, string changed, string finding)
    {
        DataLabeling.Run(Recipe, new LabelOptions { Teacher = Teacher(), File = At("labels.safetensors") });
        var bytes = File.ReadAllBytes(At("labels.safetensors"));
        var at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(text));
        System.Text.Encoding.UTF8.GetBytes(changed).CopyTo(bytes, at);
        File.WriteAllBytes(At("labels.safetensors"), bytes);
        Assert.Contains(finding, Refusal(ImageDatasets.Open(Recipe.Data, Recipe.Seed).Train), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("classes", 0xFF, "has class 65535, and there are")]
    [InlineData("scores", 0xFF, "add up to NaN; expected scores from 0 on of which one is above 0")]
    [InlineData("scores", 0, "add up to 0; expected scores from 0 on of which one is above 0")]
    public void A_map_that_is_damaged_is_named(string tensor, byte filled, string finding)
    {
        DataLabeling.Run(Recipe, new LabelOptions { Teacher = Teacher(), File = At("labels.safetensors") });
        Fill(tensor, filled);
        var images = ImageDatasets.Open(Recipe.Data, Recipe.Seed).Train;
        using var maps = LabelMapFile.Open(At("labels.safetensors"), images);
        Assert.Contains(finding, Assert.Throws<FileFormatException>(() => maps.Read(1, ImagePlacement.Whole, 4)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_teacher_of_other_classes_is_refused()
    {
        var error = Assert.Throws<FileFormatException>(() => DataLabeling.Run(Recipe, new LabelOptions { Teacher = Teacher(classes: 7), File = At("labels.safetensors") }));
        Assert.Contains("gives [7, 4, 4] per image; expected logits of the", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(At("labels.safetensors")));
    }

    [Fact]
    public void Logits_of_any_size_become_probabilities()
    {
        DataLabeling.Run(Recipe, new LabelOptions { Teacher = Teacher(scale: 1000), File = At("labels.safetensors") });
        var images = ImageDatasets.Open(Recipe.Data, Recipe.Seed).Train;
        using var maps = LabelMapFile.Open(At("labels.safetensors"), images);
        var rows = new float[16 * images.ClassNames.Count];
        maps.Read(5, ImagePlacement.Whole, 4).Write(rows, images.ClassNames.Count, smoothing: 0);
        Assert.All(rows.Chunk(images.ClassNames.Count), static row => Assert.Equal(1, row.Sum(), 4));
    }

    [Fact]
    public void A_teacher_that_gives_no_numbers_is_refused_before_training()
    {
        var error = Assert.Throws<FileFormatException>(() => DataLabeling.Run(Recipe, new LabelOptions { Teacher = Teacher(scale: float.NaN), File = At("labels.safetensors") }));
        Assert.EndsWith("output 'places' gives NaN at place 0 of image 0; expected finite logits", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(At("labels.safetensors")));
    }

    [Fact]
    public void More_classes_than_a_map_can_number_are_refused()
    {
        using var device = Device.Open("cpu", 1);
        using var teacher = FeatureExtractor.Open(device, Teacher(), new FeatureOptions { Mean = Recipe.Data.Mean, Std = Recipe.Data.Std });
        var images = new PatternImages(4, classes: 65537);
        var error = Assert.Throws<DataException>(() => new LabelMapWriter(teacher, 1).Write(At("labels.safetensors"), images, 0, NullLogger.Instance, CancellationToken.None));
        Assert.Equal("'pattern' has 65537 classes; label maps number at most 65536. Choose some with data.classes.", error.Message);
    }

    [Theory]
    [InlineData(0.8, 0)]
    [InlineData(0, 1)]
    public void Label_maps_and_mixed_images_exclude_each_other(double mixup, double cutmix)
    {
        var recipe = Recipe with { Data = Recipe.Data with { TokenLabels = "labels.safetensors" }, Augmentation = new AugmentationRecipe { Mixup = mixup, Cutmix = cutmix } };
        var error = Assert.Throws<RecipeException>(() => RecipeRules.ThrowIfInvalid(recipe));
        Assert.Contains("expected augmentation.mixup: 0 and augmentation.cutmix: 0 beside label maps", error.Message, StringComparison.Ordinal);
    }

    private void Fill(string tensor, byte value)
    {
        SafetensorsEntry entry;
        using (var reader = SafetensorsReader.Open(At("labels.safetensors")))
        {
            entry = reader[tensor];
        }

        var bytes = File.ReadAllBytes(At("labels.safetensors"));
        bytes.AsSpan((int)entry.Offset, (int)entry.ByteLength).Fill(value);
        File.WriteAllBytes(At("labels.safetensors"), bytes);
    }

    private string Refusal(IImageDataset images) => Assert.Throws<FileFormatException>(() => LabelMapFile.Open(At("labels.safetensors"), images)).Message;

    /// <summary>A convolution of 8 x 8 pixels: logits for 4 x 4 places of an image of 32 pixels.</summary>
    private string Teacher(int? classes = null, float scale = 0.125f)
    {
        var count = classes ?? ImageDatasets.Open(Recipe.Data, Recipe.Seed).Train.ClassNames.Count;
        var b = new GraphBuilder();
        var weights = new float[count * 3 * 64];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = (float)Math.Sin(i * 1.7) * scale;
        }

        var image = b.Input("image", ElementType.Float, [4, 3, 32, 32]);
        b.Output("places", b.Conv(image, b.Constant(Tensor.FromFloats([count, 3, 8, 8], weights)), strides: [8, 8]));
        File.WriteAllBytes(At("teacher.onnx"), OnnxWriter.Write(b.Build(), "teacher"));
        return At("teacher.onnx");
    }
}
