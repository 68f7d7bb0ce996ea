namespace AutoProg.Graphs.Passes;

/// <summary>Where in memory a walk over a shape in row-major order finds its elements.</summary>
internal static class HostPlaces
{
    /// <summary>How far apart in memory neighbours of a broadcast tensor lie, per axis of the shape that it is broadcast to.</summary>
    public static long[] Strides(Shape own, Shape target)
    {
        var strides = new long[target.Rank];
        var stride = 1L;
        for (var axis = 1; axis <= own.Rank; axis++)
        {
            strides[^axis] = own[-axis] == 1 ? 0 : stride;
            stride *= own[-axis];
        }

        return strides;
    }

    /// <summary>The places that the walk visits.</summary>
    /// <param name="shape">What is walked over.</param>
    /// <param name="strides">How far apart neighbours lie, per axis.</param>
    /// <param name="start">Where the first element lies.</param>
    /// <param name="period">After how many elements an axis begins again; null for never.</param>
    public static IEnumerable<long> Of(Shape shape, long[] strides, long start = 0, Shape? period = null)
    {
        var (index, place) = (new long[shape.Rank], start);
        for (var left = shape.ElementCount; left > 0; left--)
        {
            yield return place;
            for (var axis = shape.Rank - 1; axis >= 0; axis--)
            {
                index[axis]++;
                place += strides[axis];
                if (period is not null && index[axis] % period[axis] == 0)
                {
                    place -= strides[axis] * period[axis];
                }

                if (index[axis] < shape[axis])
                {
                    break;
                }

                place -= strides[axis] * (period is null ? shape[axis] : 0);
                index[axis] = 0;
            }
        }
    }
}
