namespace AutoProg.Ort.Recipes;

/// <summary>Formats that <see cref="DataRecipe.Dataset"/> understands.</summary>
public enum DatasetKind
{
    /// <summary>Generated on the fly from the seed; needs no files.</summary>
    Builtin,

    /// <summary>As <see cref="Builtin"/>, but plain shapes: for small image generators.</summary>
    BuiltinPlain,

    /// <summary><c>root/split/class/*.{jpg,png,bmp,webp}</c>.</summary>
    ImageFolder,

    /// <summary>The binary version, folder <c>cifar-10-batches-bin</c>.</summary>
    Cifar10,

    /// <summary>The binary version, folder <c>cifar-100-binary</c>.</summary>
    Cifar100,

    /// <summary>IDX files as MNIST uses them, plain or gzip.</summary>
    Idx,
}

/// <summary>Where images come from and how they are read.</summary>
public sealed record DataRecipe
{
    /// <summary>Format.</summary>
    public DatasetKind Dataset { get; init; } = DatasetKind.Builtin;

    /// <summary>Root folder; relative paths are relative to the working directory. Not used by the built-in data.</summary>
    public string? DataDir { get; init; }

    /// <summary>Name of the training split's folder.</summary>
    public string TrainSplit { get; init; } = "train";

    /// <summary>Name of the evaluation split's folder; null tries <c>val</c>, <c>validation</c> and <c>test</c>.</summary>
    public string? ValSplit { get; init; }

    /// <summary>Number of training images to use, drawn once by the seed; 0 uses all. For the built-in data: images of all its classes per epoch, 0 is 10,000.</summary>
    public int TrainSamples { get; init; }

    /// <summary>Number of evaluation images to use; 0 uses all. For the built-in data 0 is 2,000.</summary>
    public int ValSamples { get; init; }

    /// <summary>Names of the classes to use, numbered anew from 0 in this order; empty uses all.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Threads that decode and augment, at least 1.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Batches that are prepared ahead, at least 1.</summary>
    public int Prefetch { get; init; } = 4;

    /// <summary>Channel means after scaling to [0, 1].</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0.485, 0.456, 0.406];

    /// <summary>Channel standard deviations after scaling to [0, 1].</summary>
    public IReadOnlyList<double> Std { get; init; } = [0.229, 0.224, 0.225];

    /// <summary>
    /// Label maps of the training images for a model that classifies its tokens (VOLO): a file that <c>autoprog label</c> has written from a teacher; null gives every token
    /// its image's class.
    /// </summary>
    public string? TokenLabels { get; init; }

    /// <summary>Share of images that may be unreadable before the run fails, 0 to 1.</summary>
    public double MaxCorruptFraction { get; init; } = 0.01;
}

/// <summary>Augmentation as DeiT trains, under timm's names.</summary>
public sealed record AugmentationRecipe
{
    /// <summary>Area of the random resized crop, as a share of the image: lower and upper bound.</summary>
    public IReadOnlyList<double> Scale { get; init; } = [0.08, 1.0];

    /// <summary>Aspect ratio of the random resized crop: lower and upper bound.</summary>
    public IReadOnlyList<double> Ratio { get; init; } = [3.0 / 4.0, 4.0 / 3.0];

    /// <summary>Probability of a horizontal flip.</summary>
    public double Hflip { get; init; } = 0.5;

    /// <summary>Colour jitter of brightness, contrast and saturation; inactive when <see cref="Aa"/> is set, as in timm.</summary>
    public double ColorJitter { get; init; } = 0.3;

    /// <summary>RandAugment policy as timm spells it, e.g. <c>rand-m9-mstd0.5-inc1</c>; null is none.</summary>
    public string? Aa { get; init; } = "rand-m9-mstd0.5-inc1";

    /// <summary>Probability of random erasing.</summary>
    public double Reprob { get; init; } = 0.25;

    /// <summary>Largest number of erased boxes.</summary>
    public int Recount { get; init; } = 1;

    /// <summary>Alpha of mixup's Beta distribution; 0 switches it off.</summary>
    public double Mixup { get; init; } = 0.8;

    /// <summary>Alpha of CutMix's Beta distribution; 0 switches it off.</summary>
    public double Cutmix { get; init; } = 1.0;

    /// <summary>Probability that a batch is mixed at all.</summary>
    public double MixupProb { get; init; } = 1.0;

    /// <summary>Probability of CutMix when both are on.</summary>
    public double MixupSwitchProb { get; init; } = 0.5;

    /// <summary>Alpha of the Beta distribution of MixToken, for models that classify their tokens (VOLO): a box of tokens comes from another image; 0 switches it off.</summary>
    public double MixToken { get; init; } = 1.0;

    /// <summary>Label smoothing, 0 to below 1.</summary>
    public double Smoothing { get; init; } = 0.1;

    /// <summary>Repeated augmentation: how often an image appears in an epoch under different augmentations; 1 is off. The epoch keeps its length.</summary>
    public int RepeatedAug { get; init; } = 1;

    /// <summary>Evaluation: the centre crop's side over the resized side.</summary>
    public double CropPct { get; init; } = 0.875;
}
