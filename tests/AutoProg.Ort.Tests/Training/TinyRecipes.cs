using AutoProg.Graphs.Import;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Training;

/// <summary>Runs of a few seconds that go through every stage.</summary>
internal static class TinyRecipes
{
    /// <summary>The recipe of an architecture: <c>deit</c>, <c>dit</c>, <c>volo</c>, or a model file of torchvision, <c>resnet</c> or <c>vit</c>.</summary>
    public static Recipe Of(string model, GrowthPolicyKind policy) => model switch
    {
        "deit" => Of(policy),
        "dit" => Diffusion(policy),
        "volo" => Volo(policy),
        "resnet" or "vit" => Foreign(model, policy),
        _ => throw new ArgumentOutOfRangeException(nameof(model), model, "There is no such recipe."),
    };

    /// <summary>Four stages of two epochs of four steps; searches of one epoch.</summary>
    public static Recipe Of(GrowthPolicyKind policy) => new()
    {
        Name = "tiny",
        Seed = 7,
        Model = new ModelRecipe { Name = "deit_micro", ImgSize = 16, PatchSize = 4, EmbedDim = 24, NumHeads = 2, Depth = 4, MlpRatio = 2, DropPath = 0.1 },
        Data = new DataRecipe { Dataset = DatasetKind.Builtin, TrainSamples = 32, ValSamples = 16, Workers = 1 },
        Training = new TrainingRecipe { Epochs = 8, BatchSize = 8, EvalBatchSize = 8, LogInterval = 2 },
        Optimizer = new OptimizerRecipe { Lr = 1e-3 },
        Schedule = new LearningRateRecipe { WarmupEpochs = 1, Per = LearningRateUnit.Step },
        Ema = new EmaRecipe { Decays = [0.9, 0.99] },
        Growth = new GrowthRecipe
        {
            Policy = policy,
            NumStages = 4,
            SearchEpochs = 1,
            SearchSamples = 16,
            SearchEvaluations = 3,
            SearchTime = SearchTimeKind.Flops,
            ProxyBatchSize = 4,
        },
        Runtime = new RuntimeRecipe { Threads = 1 },
        Checkpoints = new CheckpointRecipe { EveryEpochs = 1, EverySteps = 3, Keep = 2 },
    };

    /// <summary>The same for a diffusion transformer of four blocks that is unfrozen progressively, with stage identifiers.</summary>
    public static Recipe Diffusion(GrowthPolicyKind policy)
    {
        var recipe = Of(policy);
        return recipe with
        {
            Model = new ModelRecipe { Name = "dit_micro", ImgSize = 16, PatchSize = 4, EmbedDim = 24, NumHeads = 2, Depth = 4, MlpRatio = 2 },
            Data = recipe.Data with { Mean = [0.5, 0.5, 0.5], Std = [0.5, 0.5, 0.5] },
            Augmentation = new AugmentationRecipe { Scale = [1, 1], Ratio = [1, 1], Aa = null, ColorJitter = 0, Reprob = 0, Mixup = 0, Cutmix = 0, Smoothing = 0, CropPct = 1 },
            Optimizer = recipe.Optimizer with { WeightDecay = 0 },
            Growth = recipe.Growth with { LScale = 0.25, Unfreeze = UnfreezeKind.Blocks, StageIdentifier = true },
            Sampling = new SamplingRecipe { Steps = 4 },
        };
    }

    /// <summary>The same for a VOLO whose two block groups both grow, with mixed tokens and running statistics.</summary>
    public static Recipe Volo(GrowthPolicyKind policy)
    {
        var recipe = Of(policy);
        return recipe with
        {
            Model = new ModelRecipe { Name = "volo_micro", ImgSize = 16, PatchSize = 4, EmbedDim = 24, NumHeads = 2, Depth = 6, MlpRatio = 2, DropPath = 0.1 },
            Augmentation = recipe.Augmentation with { Mixup = 0, Cutmix = 0, MixToken = 1 },
            Growth = recipe.Growth with { LScale = 1.0 / 3 },
        };
    }

    /// <summary>The same for a model file, which is unfrozen by depth; a ResNet's resolution grows, and its running statistics follow the batches.</summary>
    public static Recipe Foreign(string model, GrowthPolicyKind policy)
    {
        var recipe = Of(policy);
        return recipe with
        {
            Model = new ModelRecipe { Name = model, Onnx = ModelFile(model), ImgSize = 32, PatchSize = 16, BatchNorm = BatchNormMode.Train },

            // The same images in every epoch, so that losses of epochs can be compared.
            Augmentation = new AugmentationRecipe { Scale = [1, 1], Ratio = [1, 1], Hflip = 0, Aa = null, ColorJitter = 0, Reprob = 0, Mixup = 0, Cutmix = 0 },
            Growth = recipe.Growth with { LScale = 0.25, RScale = model == "vit" ? 1 : 0.5, Unfreeze = UnfreezeKind.Depth },
        };
    }

    /// <summary>A micro model of torchvision with 10 classes.</summary>
    public static string ModelFile(string model) => Path.Combine(AppContext.BaseDirectory, "Fixtures", "foreign", "torchvision", $"{model}_micro.onnx");
}
