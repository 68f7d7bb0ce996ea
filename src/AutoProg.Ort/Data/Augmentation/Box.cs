namespace AutoProg.Ort.Data.Augmentation;

/// <summary>A rectangle of whole pixels, or tokens.</summary>
internal readonly record struct Box(int Left, int Top, int Width, int Height)
{
    /// <summary>Makes a mask: 1 inside of the box, 0 outside.</summary>
    /// <param name="mask">[side, side].</param>
    /// <param name="side">Side of the square in which the box lies.</param>
    public void Fill(Span<float> mask, int side)
    {
        mask.Clear();
        for (var row = Top; row < Top + Height; row++)
        {
            mask.Slice((row * side) + Left, Width).Fill(1);
        }
    }
}
