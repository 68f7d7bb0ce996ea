namespace AutoProg.Ort.Data.Augmentation;

/// <summary>
/// Where an augmented image lies in the one that it was made of: place (x, y) of the result shows place (A x + B y + C, D x + E y + F) of the original; both sides of either image are 1 long.
/// </summary>
internal readonly record struct ImagePlacement(double A, double B, double C, double D, double E, double F)
{
    /// <summary>The image itself.</summary>
    public static ImagePlacement Whole { get; } = new(1, 0, 0, 0, 1, 0);

    /// <summary>Left becomes right.</summary>
    public static ImagePlacement Mirror { get; } = new(-1, 0, 1, 0, 1, 0);

    /// <summary>A part of an image.</summary>
    /// <param name="box">The part, in pixels.</param>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="height">Height of the image in pixels.</param>
    public static ImagePlacement Of(Box box, int width, int height) =>
        new((double)box.Width / width, 0, (double)box.Left / width, 0, (double)box.Height / height, (double)box.Top / height);

    /// <summary>The place in the original of an image that was made of this one.</summary>
    /// <param name="next">Where that image lies in this one.</param>
    public ImagePlacement Then(ImagePlacement next)
    {
        var (cx, cy) = At(next.C, next.F);
        return new(
            (A * next.A) + (B * next.D), (A * next.B) + (B * next.E), cx,
            (D * next.A) + (E * next.D), (D * next.B) + (E * next.E), cy);
    }

    /// <summary>What a place of the result shows.</summary>
    public (double X, double Y) At(double x, double y) => ((A * x) + (B * y) + C, (D * x) + (E * y) + F);
}
