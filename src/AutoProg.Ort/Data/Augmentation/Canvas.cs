namespace AutoProg.Ort.Data.Augmentation;

/// <summary>
/// The image that is being augmented, 8-bit RGB interleaved, with a second buffer of the same size for operations that cannot work in place.
/// One per worker; the buffers only grow.
/// </summary>
internal sealed class Canvas
{
    private byte[] front = [];
    private byte[] back = [];

    /// <summary>Width in pixels.</summary>
    public int Width { get; private set; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; private set; }

    /// <summary>The image.</summary>
    public Span<byte> Pixels => front.AsSpan(0, Width * Height * 3);

    /// <summary>Where an operation writes before it calls <see cref="Swap"/>; arbitrary content.</summary>
    public Span<byte> Spare => back.AsSpan(0, Width * Height * 3);

    /// <summary>Working memory of the resampling passes.</summary>
    public BicubicResize.Workspace Resampling { get; } = new();

    /// <summary>Makes room for another image; the content becomes arbitrary.</summary>
    public void Resize(int width, int height)
    {
        Width = width;
        Height = height;
        if (front.Length < width * height * 3)
        {
            front = new byte[width * height * 3];
            back = new byte[width * height * 3];
        }
    }

    /// <summary>The spare buffer becomes the image.</summary>
    public void Swap() => (front, back) = (back, front);
}
