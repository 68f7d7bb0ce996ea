using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients.Convolutions;

/// <summary>The stretch of an image along one axis that some taps of a kernel meet, from the first window to the last.</summary>
/// <param name="Size">Size of the image.</param>
/// <param name="Start">The first pixel; negative in the padding.</param>
/// <param name="End">The pixel behind the last.</param>
/// <param name="TapDistance">From one tap to the next.</param>
/// <param name="WindowDistance">From one window to the next.</param>
internal readonly record struct Reach(long Size, long Start, long End, long TapDistance, long WindowDistance)
{
    /// <summary>True if nothing but padding is met.</summary>
    public bool IsOutside => Start >= Size || End <= 0;

    /// <summary>What all taps meet.</summary>
    public static Reach OfTaps(WindowAxis axis) => new(axis.Size, -axis.Before, axis.Span - axis.Before, axis.Dilation, axis.Stride);

    /// <summary>What one tap meets.</summary>
    public static Reach OfTap(WindowAxis axis, long tap)
    {
        var start = (axis.Dilation * tap) - axis.Before;
        return new(axis.Size, start, start + (axis.Stride * (axis.Count - 1)) + 1, 1, axis.Stride);
    }

    /// <summary>The same where so many channels are neighbours in place of each pixel, every one of which is a tap.</summary>
    public Reach Interleaved(long channels) => new(Size * channels, Start * channels, End * channels, 1, WindowDistance * channels);

    /// <summary>The number of taps.</summary>
    public long Taps(long windows) => ((End - Start - (WindowDistance * (windows - 1)) - 1) / TapDistance) + 1;
}
