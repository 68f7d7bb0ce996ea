namespace AutoProg.Ort.Data.Augmentation;

/// <summary>Evaluation: the shorter side is resized to floor(resolution / crop_pct), then the middle is cut out (timm, torchvision).</summary>
internal static class EvaluationCrop
{
    /// <summary>Shorter side that is asked for: twice the resized one, so that the reduced decoding does not show in the accuracy.</summary>
    public static int MinimumSide(int resolution, double cropPct) => 2 * ResizedSide(resolution, cropPct);

    /// <summary>Resizes and crops in one step.</summary>
    public static void Apply(RgbImage image, int resolution, double cropPct, Canvas canvas)
    {
        var side = ResizedSide(resolution, cropPct);
        var (width, height) = image.Width <= image.Height
            ? (side, Scaled(image.Height, side, image.Width))
            : (Scaled(image.Width, side, image.Height), side);
        // Python's round, as torchvision uses it: halves go to the even number.
        var window = new Box((int)Math.Round((width - resolution) / 2.0), (int)Math.Round((height - resolution) / 2.0), resolution, resolution);
        canvas.Resize(resolution, resolution);
        BicubicResize.Resize(image.Pixels, image.Width, new Box(0, 0, image.Width, image.Height), width, height, window, canvas.Pixels, canvas.Resampling);
    }

    /// <summary>Rounded down, as torchvision does; cut off where an image of one pixel's width would leave the range of integers.</summary>
    private static int Scaled(int longer, int side, int shorter) => (int)Math.Min((long)side * longer / shorter, int.MaxValue / 2);

    private static int ResizedSide(int resolution, double cropPct) => Math.Max(resolution, (int)Math.Floor(resolution / cropPct));
}
