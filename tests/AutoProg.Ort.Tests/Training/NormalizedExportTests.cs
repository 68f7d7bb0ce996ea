using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.Import;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;
using Google.Protobuf;

namespace AutoProg.Ort.Tests.Training;

/// <summary>Exports of networks whose batch normalisation followed the batches: what is left of it, and whether plain ONNX Runtime comes to the run's own results.</summary>
public sealed class NormalizedExportTests : InTemporaryFolder
{
    // Other kernels and fusions than in the run's evaluation: rounding of float32 in a mean over images.
    private const double Rounding = 1e-5;

    [Theory]
    [InlineData(GrowthPolicyKind.Original)]
    [InlineData(GrowthPolicyKind.AutoprogOne)]
    public void A_volo_takes_its_normalisations_into_its_convolutions(GrowthPolicyKind policy)
    {
        var recipe = TinyRecipes.Volo(policy);
        var (file, summary) = Train(recipe);

        var graph = ModelProto.Parser.ParseFrom(File.ReadAllBytes(file)).Graph;
        Assert.DoesNotContain(graph.Node, GraphStructure.IsBatchNorm);
        Assert.Equal(["Conv", "Relu", "Conv", "Relu", "Conv", "Relu", "Conv"], graph.Node.Take(7).Select(static node => node.OpType)); // the stem
        var normalised = LearningTasks.Of(recipe, 10).Model.Parameters.Where(static p => p.IsBuffer).Select(static p => p.Name[..(p.Name.LastIndexOf('.') + 1)]).Distinct().ToList();
        Assert.Equal(3, normalised.Count);
        Assert.DoesNotContain(graph.Initializer, tensor => normalised.Exists(prefix => tensor.Name.StartsWith(prefix, StringComparison.Ordinal)));

        var score = StrangersEvaluation.Of(file, recipe, 16);
        Assert.Equal(summary.Final!.Top1, score.Top1);
        Assert.Equal(summary.Final.Loss, score.Loss, Rounding);
    }

    [Theory]
    [InlineData(BatchNormMode.Train, false)]
    [InlineData(BatchNormMode.Train, true)]
    [InlineData(BatchNormMode.File, true)]
    public void The_file_of_a_resnet_normalises_by_what_training_has_found(BatchNormMode mode, bool exportedInTraining)
    {
        var original = ModelProto.Parser.ParseFrom(File.ReadAllBytes(TinyRecipes.ModelFile("resnet")));
        if (exportedInTraining)
        {
            foreach (var node in original.Graph.Node.Where(GraphStructure.IsBatchNorm))
            {
                node.Output.Add([$"{node.Name}/mean", $"{node.Name}/variance"]);
                node.Attribute.Single(static a => a.Name == "training_mode").I = 1;
            }
        }

        File.WriteAllBytes(At("resnet.onnx"), original.ToByteArray());
        var recipe = TinyRecipes.Foreign("resnet", GrowthPolicyKind.Original);
        recipe = recipe with { Model = recipe.Model with { Onnx = At("resnet.onnx"), BatchNorm = mode }, Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Original } };

        var (file, summary) = Train(recipe);

        var normalisations = ModelProto.Parser.ParseFrom(File.ReadAllBytes(file)).Graph.Node.Where(GraphStructure.IsBatchNorm).ToList();
        Assert.Equal(original.Graph.Node.Count(GraphStructure.IsBatchNorm), normalisations.Count);
        Assert.NotEmpty(normalisations);
        Assert.All(normalisations, static node => Assert.Single(node.Output));
        Assert.All(normalisations, static node => Assert.DoesNotContain(node.Attribute, static a => a is { Name: "training_mode", I: not 0 }));

        var score = StrangersEvaluation.Of(file, recipe, 32);
        Assert.Equal(summary.Final!.Top1, score.Top1);
        Assert.Equal(summary.Final.Loss, score.Loss, Rounding);
    }

    private (string File, RunSummary Summary) Train(Recipe recipe)
    {
        var summary = new ProgressiveTrainer(recipe, new TrainerOptions { Output = Folder, Experiment = "run" }).Run();
        return (Path.Combine(summary.Folder!, "export", "model.onnx"), summary);
    }
}
