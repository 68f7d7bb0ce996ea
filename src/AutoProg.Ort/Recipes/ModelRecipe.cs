using AutoProg.Graphs.Import;
using AutoProg.Ort.Foreign;

namespace AutoProg.Ort.Recipes;

/// <summary>The complete model. Sizes that are left out come from the named variant.</summary>
public sealed record ModelRecipe
{
    /// <summary>A variant that the model catalogue knows, e.g. <c>deit_small</c>, or <c>deit_micro</c> for CPUs; with <see cref="Onnx"/>, what that model is called (its file's name by default).</summary>
    public required string Name { get; init; }

    /// <summary>A model file of another framework instead, opset 13 to 23; a relative path is relative to the recipe. Null takes the model from the catalogue.</summary>
    public string? Onnx { get; init; }

    /// <summary>What of a model file learns: patterns of its initializers' names with <c>*</c> and <c>?</c>. Running statistics of batch normalisation never do.</summary>
    public IReadOnlyList<string> Trainable { get; init; } = TrainableNames.All;

    /// <summary>What of a model file does not learn, although it is among <see cref="Trainable"/>.</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>What batch normalisation of a model file does in training: as the <c>file</c> says (exporters write <c>eval</c>), <c>train</c> with the batch's statistics, or <c>eval</c> with the stored ones.</summary>
    public BatchNormMode BatchNorm { get; init; } = BatchNormMode.File;

    /// <summary>Whether running variances of a model file follow the batch's unbiased variance, as in PyTorch, or the population's, as ONNX defines them.</summary>
    public bool UnbiasedVariance { get; init; } = true;

    /// <summary>Largest input resolution in pixels, a multiple of the patch size; null takes the variant's.</summary>
    public int? ImgSize { get; init; }

    /// <summary>Patch side in pixels; null takes the variant's.</summary>
    public int? PatchSize { get; init; }

    /// <summary>Number of classes; null takes the data set's.</summary>
    public int? NumClasses { get; init; }

    /// <summary>Embedding width; null takes the variant's.</summary>
    public int? EmbedDim { get; init; }

    /// <summary>Number of blocks of the complete model; null takes the variant's.</summary>
    public int? Depth { get; init; }

    /// <summary>Attention heads; divides the width; null takes the variant's.</summary>
    public int? NumHeads { get; init; }

    /// <summary>Hidden width of the MLP over the embedding width; null takes the variant's.</summary>
    public double? MlpRatio { get; init; }

    /// <summary>Channels of what the model sees; null takes the variant's.</summary>
    public int? InChannels { get; init; }

    /// <summary>Whether a diffusion model predicts its variance beside the noise; null takes the variant's.</summary>
    public bool? LearnSigma { get; init; }

    /// <summary>Drop probability of the last block's residual branches, 0 to below 1; it rises linearly over depth from 0. Models without drop path ignore it.</summary>
    public double DropPath { get; init; } = 0.1;

    /// <summary>
    /// Weights to start from under the reference's names: safetensors, PyTorch's zip format, or a checkpoint of on-device training; null starts from random weights. A recipe (.yaml) is trained first.
    /// </summary>
    public string? InitialCheckpoint { get; init; }

    /// <summary>The part of a PyTorch checkpoint to start from; null takes the first of <c>ema</c>, <c>model</c>, <c>state_dict</c> that is there, else the whole.</summary>
    public string? InitialCheckpointKey { get; init; }
}
