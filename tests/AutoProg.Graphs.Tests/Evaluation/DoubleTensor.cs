namespace AutoProg.Graphs.Tests.Evaluation;

/// <summary>A tensor of doubles, which also hold integers and truth values. Written for clarity: every element is reached by its index.</summary>
internal sealed class DoubleTensor
{
    private readonly long[] strides;

    public DoubleTensor(Shape shape, double[] values)
    {
        Assert.Equal(shape.ElementCount, values.Length);
        Shape = shape;
        Values = values;
        strides = new long[shape.Rank];
        var stride = 1L;
        for (var axis = shape.Rank - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= shape[axis];
        }
    }

    public Shape Shape { get; }

    public double[] Values { get; }

    /// <summary>The element at an index of any shape that this tensor broadcasts to.</summary>
    public double this[long[] index]
    {
        get
        {
            var offset = 0L;
            for (var axis = 0; axis < Shape.Rank; axis++)
            {
                offset += Shape[axis] == 1 ? 0 : strides[axis] * index[index.Length - Shape.Rank + axis];
            }

            return Values[offset];
        }
    }

    public static DoubleTensor Scalar(double value) => new(Shape.Scalar, [value]);

    /// <summary>The tensor whose elements are a function of their index.</summary>
    public static DoubleTensor From(Shape shape, Func<long[], double> element)
    {
        var values = new double[shape.ElementCount];
        var next = 0;
        foreach (var index in Indices(shape))
        {
            values[next++] = element(index);
        }

        return new DoubleTensor(shape, values);
    }

    /// <summary>All indices in row-major order. The array is reused.</summary>
    public static IEnumerable<long[]> Indices(Shape shape)
    {
        if (shape.ElementCount == 0)
        {
            yield break;
        }

        var index = new long[shape.Rank];
        while (true)
        {
            yield return index;
            var axis = shape.Rank - 1;
            while (axis >= 0 && ++index[axis] == shape[axis])
            {
                index[axis--] = 0;
            }

            if (axis < 0)
            {
                yield break;
            }
        }
    }

    /// <summary>The position of an index in <see cref="Values"/>.</summary>
    public long Offset(long[] index) => index.Zip(strides, (i, s) => i * s).Sum();

    /// <summary>The values, as integers.</summary>
    public long[] Longs() => Array.ConvertAll(Values, v => (long)v);

    public DoubleTensor WithShape(Shape shape) => new(shape, Values);

    public DoubleTensor Map(Func<double, double> f) => new(Shape, Array.ConvertAll(Values, v => f(v)));
}
