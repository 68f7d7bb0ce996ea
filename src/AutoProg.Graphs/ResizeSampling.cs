using System.Numerics;

namespace AutoProg.Graphs;

/// <summary>Where on an old axis the elements of a new one lie; r is the ratio of new to old coordinates.</summary>
internal enum ResizeCoordinates
{
    /// <summary>(i + 1/2) / r - 1/2: pixels are squares with their value in the middle.</summary>
    HalfPixel,

    /// <summary>As <see cref="HalfPixel"/>, centred where r is not the ratio of the sizes.</summary>
    HalfPixelSymmetric,

    /// <summary>As <see cref="HalfPixel"/>, but 0 for an axis of one element.</summary>
    PytorchHalfPixel,

    /// <summary>The first element and the last stay where they are.</summary>
    AlignCorners,

    /// <summary>i / r.</summary>
    Asymmetric,
}

/// <summary>Which pixel is the nearest.</summary>
internal enum ResizeRounding
{
    /// <summary>The nearer one; the lower one in the middle.</summary>
    PreferFloor,

    /// <summary>The nearer one; the upper one in the middle.</summary>
    PreferCeiling,

    /// <summary>The lower one.</summary>
    Floor,

    /// <summary>The upper one.</summary>
    Ceiling,
}

/// <summary>What an element of a resized axis is made of.</summary>
/// <param name="Mode">Interpolation.</param>
internal sealed record ResizeSampling(ResizeMode Mode)
{
    /// <summary>Where elements lie.</summary>
    public ResizeCoordinates Coordinates { get; init; }

    /// <summary>For <see cref="ResizeMode.Nearest"/>.</summary>
    public ResizeRounding Rounding { get; init; }

    /// <summary>Keys' a, for <see cref="ResizeMode.Cubic"/>.</summary>
    public double Cubic { get; init; } = -0.75;

    /// <summary>The places and weights of the old elements that new element i is made of. Places outside stand for the border.</summary>
    public IEnumerable<(long Place, double Weight)> Read(long i, long input, long output, double ratio)
    {
        if (Mode == ResizeMode.Nearest)
        {
            return [(Nearest(At<float>(i, input, output, (float)ratio)), 1)];
        }

        var at = At<double>(i, input, output, ratio);
        at = Mode == ResizeMode.Linear ? Math.Max(0, at) : at;
        var left = (long)Math.Floor(at);
        var t = at - left;
        return Mode == ResizeMode.Linear
            ? [(left, 1 - t), (left + 1, t)]
            : [(left - 1, Far(t + 1)), (left, Near(t)), (left + 1, Near(1 - t)), (left + 2, Far(2 - t))];
    }

    private T At<T>(T i, T input, T output, T ratio)
        where T : IFloatingPoint<T>
    {
        var half = T.One / (T.One + T.One);
        return Coordinates switch
        {
            ResizeCoordinates.HalfPixelSymmetric => (input * half * (T.One - (output / (ratio * input)))) + ((i + half) / ratio) - half,
            ResizeCoordinates.PytorchHalfPixel when output == T.One => T.Zero,
            ResizeCoordinates.AlignCorners => output == T.One ? T.Zero : i * (input - T.One) / (output - T.One),
            ResizeCoordinates.Asymmetric => i / ratio,
            _ => ((i + half) / ratio) - half,
        };
    }

    /// <summary>In float32, as in kernels: there, what lies next to a whole number may be one.</summary>
    private long Nearest(float at) => (long)(Rounding switch
    {
        ResizeRounding.PreferFloor => MathF.Ceiling(at - 0.5f),
        ResizeRounding.PreferCeiling => MathF.Floor(at + 0.5f),
        ResizeRounding.Floor => MathF.Floor(at),
        _ => MathF.Ceiling(at),
    });

    /// <summary>Keys' kernel within 1 of the centre: (a + 2) t^3 - (a + 3) t^2 + 1.</summary>
    private double Near(double t) => (((((Cubic + 2) * t) - (Cubic + 3)) * t) * t) + 1;

    /// <summary>Keys' kernel from 1 to 2: a t^3 - 5 a t^2 + 8 a t - 4 a.</summary>
    private double Far(double t) => (((((Cubic * t) - (5 * Cubic)) * t) + (8 * Cubic)) * t) - (4 * Cubic);
}
