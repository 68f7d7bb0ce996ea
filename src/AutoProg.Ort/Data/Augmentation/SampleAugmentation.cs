using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Data.Augmentation;

/// <summary>An augmented image.</summary>
/// <param name="Label">Class of the image it was made of.</param>
/// <param name="Image">Number of that image.</param>
/// <param name="Placement">Where it lies in that image.</param>
internal readonly record struct AugmentedSample(int Label, int Image, ImagePlacement Placement);

/// <summary>
/// What happens to one training image, in timm's order: random resized crop, flip, RandAugment or colour jitter, normalisation, random erasing.
/// The crop is resized straight to the target resolution, so all that follows works on few pixels.
/// </summary>
internal sealed class SampleAugmentation
{
    private readonly AugmentationRecipe recipe;
    private readonly Normalization normalization;
    private readonly RandAugmentPolicy? randAugment;

    /// <summary>Reads the recipe.</summary>
    /// <exception cref="FormatException">The RandAugment string is wrong.</exception>
    /// <exception cref="ArgumentException">The bounds of area or aspect ratio are wrong.</exception>
    public SampleAugmentation(AugmentationRecipe recipe, Normalization normalization)
    {
        this.recipe = recipe;
        this.normalization = normalization;
        randAugment = string.IsNullOrEmpty(recipe.Aa) ? null : RandAugmentPolicy.Parse(recipe.Aa);
        RequireBounds("scale", recipe.Scale, 1);
        RequireBounds("ratio", recipe.Ratio, double.MaxValue);
        ArgumentOutOfRangeException.ThrowIfLessThan(recipe.Recount, 1, nameof(recipe));
    }

    /// <summary>Loads and augments an image.</summary>
    /// <param name="images">Where the image comes from.</param>
    /// <param name="index">Which image.</param>
    /// <param name="resolution">Pixels per side of the result.</param>
    /// <param name="random">Source of all decisions.</param>
    /// <param name="canvas">Working memory.</param>
    /// <param name="target">[3, resolution, resolution].</param>
    /// <returns>What the result shows.</returns>
    public AugmentedSample Apply(CorruptImages images, int index, int resolution, CounterRandom random, Canvas canvas, Span<float> target)
    {
        var crop = RandomResizedCrop.Draw((recipe.Scale[0], recipe.Scale[1]), (recipe.Ratio[0], recipe.Ratio[1]), ref random);
        int label, loaded;
        ImagePlacement placement;
        using (var image = images.Load(index, crop.MinimumSide(resolution), out label, out loaded))
        {
            var box = crop.BoxIn(image.Width, image.Height);
            placement = ImagePlacement.Of(box, image.Width, image.Height);
            canvas.Resize(resolution, resolution);
            BicubicResize.Resize(
                image.Pixels, image.Width, box, resolution, resolution, new Box(0, 0, resolution, resolution), canvas.Pixels, canvas.Resampling);
        }

        if (random.NextBool(recipe.Hflip))
        {
            HorizontalFlip.Apply(canvas);
            placement = placement.Then(ImagePlacement.Mirror);
        }

        if (randAugment is not null)
        {
            placement = placement.Then(RandAugment.Apply(canvas, randAugment, normalization.Fill, ref random));
        }
        else if (recipe.ColorJitter > 0)
        {
            ColorJitter.Apply(canvas, recipe.ColorJitter, ref random);
        }

        normalization.Apply(canvas, target);
        RandomErasing.Apply(target, resolution, recipe.Reprob, recipe.Recount, ref random);
        return new(label, loaded, placement);
    }

    private static void RequireBounds(string key, IReadOnlyList<double> bounds, double max)
    {
        if (bounds.Count != 2 || !(bounds[0] > 0) || !(bounds[1] >= bounds[0]) || bounds[1] > max)
        {
            throw new ArgumentException(
                $"augmentation.{key} = [{string.Join(", ", bounds)}]; expected a lower and an upper bound above 0{(max == 1 ? " and at most 1" : "")}, in that order.", nameof(bounds));
        }
    }
}
