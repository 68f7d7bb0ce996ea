using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Augmentation;

/// <summary>The fifteen operations of RandAugment, in timm's order.</summary>
internal enum RandAugmentOperation
{
    AutoContrast,
    Equalize,
    Invert,
    Rotate,
    Posterize,
    Solarize,
    SolarizeAdd,
    Color,
    Contrast,
    Brightness,
    Sharpness,
    ShearX,
    ShearY,
    TranslateX,
    TranslateY,
}

/// <summary>RandAugment (Cubuk et al., 2019) as timm runs it: a few operations with replacement, each with a probability and at a magnitude of its own.</summary>
internal static class RandAugment
{
    private const int OperationCount = 15;

    /// <summary>Magnitude at which the published ranges are reached.</summary>
    private const double FullMagnitude = 10;

    /// <summary>Augments the canvas.</summary>
    /// <returns>Where the result lies in what the canvas held before.</returns>
    public static ImagePlacement Apply(Canvas canvas, RandAugmentPolicy policy, Rgb fill, ref CounterRandom random)
    {
        var placement = ImagePlacement.Whole;
        for (var i = 0; i < policy.Operations; i++)
        {
            var operation = (RandAugmentOperation)random.NextInt(OperationCount);
            if (random.NextBool(policy.Probability))
            {
                var magnitude = DrawMagnitude(policy, ref random);
                placement = placement.Then(Apply(canvas, operation, magnitude, negative: random.NextBool(0.5), policy.Increasing, fill));
            }
        }

        return placement;
    }

    /// <summary>Normal around the policy's magnitude, cut to 0..max.</summary>
    internal static double DrawMagnitude(RandAugmentPolicy policy, ref CounterRandom random)
    {
        var magnitude = policy.MagnitudeDeviation > 100
            ? random.Uniform(0, policy.Magnitude)
            : policy.Magnitude + (policy.MagnitudeDeviation * random.NextNormal());
        return Math.Clamp(magnitude, 0, policy.MaxMagnitude);
    }

    /// <summary>One operation at a magnitude of 0 to 10.</summary>
    /// <param name="canvas">Changed.</param>
    /// <param name="operation">Which.</param>
    /// <param name="magnitude">0 to 10, or more with mmax.</param>
    /// <param name="negative">Direction of operations that have one.</param>
    /// <param name="increasing">Severity grows with the magnitude; otherwise the original ranges.</param>
    /// <param name="fill">Colour of what comes in from outside.</param>
    /// <returns>Where the result lies in what the canvas held before.</returns>
    internal static ImagePlacement Apply(Canvas canvas, RandAugmentOperation operation, double magnitude, bool negative, bool increasing, Rgb fill)
    {
        var level = magnitude / FullMagnitude;
        var signed = negative ? -level : level;
        var enhancement = increasing ? Math.Max(0.1, 1 + (0.9 * signed)) : 0.1 + (1.8 * level);
        switch (operation)
        {
            case RandAugmentOperation.AutoContrast:
                ToneOperations.AutoContrast(canvas);
                break;
            case RandAugmentOperation.Equalize:
                ToneOperations.Equalize(canvas);
                break;
            case RandAugmentOperation.Invert:
                ToneOperations.Invert(canvas);
                break;
            case RandAugmentOperation.Rotate:
                return AffineTransform.Rotate(canvas, 30 * signed, fill);
            case RandAugmentOperation.Posterize:
                ToneOperations.Posterize(canvas, Math.Clamp(increasing ? 4 - (int)(4 * level) : (int)(4 * level), 0, 8));
                break;
            case RandAugmentOperation.Solarize:
                var threshold = Math.Min(256, (int)(256 * level));
                ToneOperations.Solarize(canvas, increasing ? 256 - threshold : threshold);
                break;
            case RandAugmentOperation.SolarizeAdd:
                ToneOperations.SolarizeAdd(canvas, Math.Min(128, (int)(110 * level)));
                break;
            case RandAugmentOperation.Color:
                Enhancements.Color(canvas, enhancement);
                break;
            case RandAugmentOperation.Contrast:
                Enhancements.Contrast(canvas, enhancement);
                break;
            case RandAugmentOperation.Brightness:
                Enhancements.Brightness(canvas, enhancement);
                break;
            case RandAugmentOperation.Sharpness:
                Enhancements.Sharpness(canvas, enhancement);
                break;
            case RandAugmentOperation.ShearX:
                return AffineTransform.ShearX(canvas, 0.3 * signed, fill);
            case RandAugmentOperation.ShearY:
                return AffineTransform.ShearY(canvas, 0.3 * signed, fill);
            case RandAugmentOperation.TranslateX:
                return AffineTransform.TranslateX(canvas, 0.45 * signed, fill);
            default:
                return AffineTransform.TranslateY(canvas, 0.45 * signed, fill);
        }

        return ImagePlacement.Whole;
    }
}
