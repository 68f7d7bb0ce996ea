using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Augmentation;

/// <summary>
/// The draws of a random resized crop (Inception): ten attempts at a share of the area and an aspect ratio, and a place. They are made before the image
/// is opened, so that they can tell how many pixels of it are needed.
/// </summary>
internal struct RandomResizedCrop
{
    private const int Attempts = 10;

    // Attempts that fit into any image with sides up to 2:1; only stranger images may be decoded a little too small.
    private const double UsualAspect = 2;

    private AttemptBuffer attempts;
    private double placeX, placeY;
    private double minRatio, maxRatio;

    /// <summary>Draws everything that does not depend on the image.</summary>
    /// <param name="scale">Share of the area: lower and upper bound.</param>
    /// <param name="ratio">Width over height: lower and upper bound; drawn log-uniformly.</param>
    /// <param name="random">Source.</param>
    public static RandomResizedCrop Draw((double Min, double Max) scale, (double Min, double Max) ratio, ref CounterRandom random)
    {
        var crop = new RandomResizedCrop { minRatio = ratio.Min, maxRatio = ratio.Max };
        var (logMin, logMax) = (Math.Log(ratio.Min), Math.Log(ratio.Max));
        for (var i = 0; i < Attempts; i++)
        {
            crop.attempts[i] = (random.Uniform(scale.Min, scale.Max), Math.Exp(random.Uniform(logMin, logMax)));
        }

        (crop.placeX, crop.placeY) = (random.NextDouble(), random.NextDouble());
        return crop;
    }

    /// <summary>Shorter side that the image needs so that a crop resized to <paramref name="resolution"/> pixels is not enlarged without need.</summary>
    public readonly int MinimumSide(int resolution)
    {
        var side = 0.0;
        for (var i = 0; i < Attempts; i++)
        {
            var (area, aspect) = attempts[i];
            var narrow = Math.Min(aspect, 1 / aspect);
            side = Math.Max(side, resolution / Math.Sqrt(area * narrow));
            if (area <= narrow / UsualAspect)
            {
                break;
            }
        }

        return (int)Math.Ceiling(side);
    }

    /// <summary>The first attempt that fits into the image; else the largest centred box whose aspect ratio is allowed.</summary>
    public readonly Box BoxIn(int width, int height)
    {
        for (var i = 0; i < Attempts; i++)
        {
            var (share, aspect) = attempts[i];
            var area = share * width * height;
            var w = (int)Math.Round(Math.Sqrt(area * aspect));
            var h = (int)Math.Round(Math.Sqrt(area / aspect));
            if (w <= width && h <= height && w > 0 && h > 0)
            {
                return new Box((int)(placeX * (width - w + 1)), (int)(placeY * (height - h + 1)), w, h);
            }
        }

        var inputRatio = (double)width / height;
        var (boxWidth, boxHeight) = inputRatio < minRatio ? (width, (int)Math.Round(width / minRatio))
            : inputRatio > maxRatio ? ((int)Math.Round(height * maxRatio), height)
            : (width, height);
        boxWidth = Math.Clamp(boxWidth, 1, width);
        boxHeight = Math.Clamp(boxHeight, 1, height);
        return new Box((width - boxWidth) / 2, (height - boxHeight) / 2, boxWidth, boxHeight);
    }

    [System.Runtime.CompilerServices.InlineArray(Attempts)]
    private struct AttemptBuffer
    {
        private (double Area, double Aspect) first;
    }
}
