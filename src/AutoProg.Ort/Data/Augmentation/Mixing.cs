using System.Numerics;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;
using MathNet.Numerics.Distributions;

namespace AutoProg.Ort.Data.Augmentation;

/// <summary>How a batch is mixed with itself in reverse order (timm's batch mode): x_i and x_(B-1-i).</summary>
/// <param name="Lambda">Share of the image's own label; 1 is no mixing.</param>
/// <param name="Pasted">CutMix: the box that comes from the other image; null is mixup.</param>
internal readonly record struct Mixing(double Lambda, Box? Pasted)
{
    /// <summary>No mixing.</summary>
    public static Mixing None { get; } = new(1, null);

    /// <summary>Draws what happens to one batch.</summary>
    public static Mixing Draw(AugmentationRecipe recipe, int resolution, CounterRandom random)
    {
        var cutmixShare = (recipe.Mixup > 0, recipe.Cutmix > 0) switch
        {
            (true, true) => recipe.MixupSwitchProb,
            (true, false) => 0,
            (false, true) => 1,
            _ => -1,
        };
        if (!random.NextBool(recipe.MixupProb) || cutmixShare < 0)
        {
            return None;
        }

        var cutmix = random.NextBool(cutmixShare);
        var alpha = cutmix ? recipe.Cutmix : recipe.Mixup;
        var (rowDraw, columnDraw) = (random.NextDouble(), random.NextDouble());
        var lambda = Beta.Sample(new MathNetRandom(random), alpha, alpha);
        return cutmix ? Cut(lambda, resolution, rowDraw, columnDraw) : new Mixing(lambda, null);
    }

    /// <summary>Draws a box as CutMix does; null where alpha is 0.</summary>
    /// <param name="alpha">Of the Beta distribution of the share outside the box.</param>
    /// <param name="side">Side of the square in which it lies.</param>
    /// <param name="random">Source.</param>
    public static Box? DrawBox(double alpha, int side, CounterRandom random)
    {
        if (alpha == 0)
        {
            return null;
        }

        var (rowDraw, columnDraw) = (random.NextDouble(), random.NextDouble());
        return Cut(Beta.Sample(new MathNetRandom(random), alpha, alpha), side, rowDraw, columnDraw).Pasted;
    }

    /// <summary>Mixes images in place.</summary>
    /// <param name="images">[count, 3, resolution, resolution].</param>
    /// <param name="count">Images in the batch.</param>
    /// <param name="resolution">Pixels per side.</param>
    public void Apply(Span<float> images, int count, int resolution)
    {
        if (Lambda == 1)
        {
            return;
        }

        var imageLength = 3 * resolution * resolution;
        for (int i = 0, j = count - 1; i < j; i++, j--)
        {
            var first = images.Slice(i * imageLength, imageLength);
            var second = images.Slice(j * imageLength, imageLength);
            if (Pasted is { } box)
            {
                Exchange(first, second, box, resolution);
            }
            else
            {
                Blend(first, second, (float)Lambda);
            }
        }
    }

    /// <summary>A box of area (1 - lambda) around a random centre, cut at the borders; lambda is corrected to what is left.</summary>
    private static Mixing Cut(double lambda, int resolution, double rowDraw, double columnDraw)
    {
        var half = (int)(resolution * Math.Sqrt(1 - lambda)) / 2;
        var (centreY, centreX) = ((int)(rowDraw * resolution), (int)(columnDraw * resolution));
        var (top, bottom) = (Math.Max(centreY - half, 0), Math.Min(centreY + half, resolution));
        var (left, right) = (Math.Max(centreX - half, 0), Math.Min(centreX + half, resolution));
        var box = new Box(left, top, right - left, bottom - top);
        return new Mixing(1 - ((double)box.Width * box.Height / ((double)resolution * resolution)), box);
    }

    private static void Exchange(Span<float> first, Span<float> second, Box box, int resolution)
    {
        for (var channel = 0; channel < 3; channel++)
        {
            for (var row = 0; row < box.Height; row++)
            {
                var at = (((channel * resolution) + box.Top + row) * resolution) + box.Left;
                for (var x = at; x < at + box.Width; x++)
                {
                    (first[x], second[x]) = (second[x], first[x]);
                }
            }
        }
    }

    private static void Blend(Span<float> first, Span<float> second, float lambda)
    {
        var x = 0;
        var (own, other) = (new Vector<float>(lambda), new Vector<float>(1 - lambda));
        for (; x <= first.Length - Vector<float>.Count; x += Vector<float>.Count)
        {
            var (a, b) = (new Vector<float>(first[x..]), new Vector<float>(second[x..]));
            ((a * own) + (b * other)).CopyTo(first[x..]);
            ((b * own) + (a * other)).CopyTo(second[x..]);
        }

        for (; x < first.Length; x++)
        {
            var (a, b) = (first[x], second[x]);
            first[x] = (a * lambda) + (b * (1 - lambda));
            second[x] = (b * lambda) + (a * (1 - lambda));
        }
    }
}
