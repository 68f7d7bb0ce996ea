namespace AutoProg.Ort.Recipes;

/// <summary>The complete model. Sizes that are left out come from the named variant.</summary>
public sealed record ModelRecipe
{
    /// <summary>A variant that the model catalogue knows, e.g. <c>deit_small</c>, or <c>deit_micro</c> for CPUs.</summary>
    public required string Name { get; init; }

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
    /// Weights to start from under the reference's names: safetensors, or PyTorch's zip format; null starts from random weights. A recipe (.yaml) is trained first.
    /// </summary>
    public string? InitialCheckpoint { get; init; }

    /// <summary>The part of a PyTorch checkpoint to start from; null takes the first of <c>ema</c>, <c>model</c>, <c>state_dict</c> that is there, else the whole.</summary>
    public string? InitialCheckpointKey { get; init; }
}
