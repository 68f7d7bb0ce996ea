namespace AutoProg.Ort.Data.Augmentation;

/// <summary>Left becomes right.</summary>
internal static class HorizontalFlip
{
    /// <summary>Mirrors every row in place.</summary>
    public static void Apply(Canvas canvas)
    {
        var pixels = canvas.Pixels;
        var rowBytes = canvas.Width * 3;
        for (var row = 0; row < pixels.Length; row += rowBytes)
        {
            for (int left = row, right = row + rowBytes - 3; left < right; left += 3, right -= 3)
            {
                (pixels[left], pixels[right]) = (pixels[right], pixels[left]);
                (pixels[left + 1], pixels[right + 1]) = (pixels[right + 1], pixels[left + 1]);
                (pixels[left + 2], pixels[right + 2]) = (pixels[right + 2], pixels[left + 2]);
            }
        }
    }
}
