using System.Numerics;
using System.Runtime.InteropServices;

namespace AutoProg.Ort.Data.Augmentation;

/// <summary>
/// Bicubic resampling with antialiasing as Pillow does it, bit for bit: Keys' kernel with a = -0.5, stretched when the image shrinks,
/// 22-bit fixed-point weights, the horizontal pass first and rounded to 8 bits. (Skia's samplers do not stretch the kernel.)
/// </summary>
internal static class BicubicResize
{
    private const int FractionBits = 22;
    private const double Support = 2;

    /// <summary>Resizes the part <paramref name="crop"/> of an image; pixels outside the part do not contribute.</summary>
    /// <param name="source">The whole image.</param>
    /// <param name="sourceWidth">Its width in pixels.</param>
    /// <param name="crop">The part to resize.</param>
    /// <param name="width">Width that the part is resized to.</param>
    /// <param name="height">Height that the part is resized to.</param>
    /// <param name="window">The part of the result that is wanted; its pixels are the whole result's.</param>
    /// <param name="target">window.Width * window.Height * 3 bytes.</param>
    /// <param name="workspace">Buffers to reuse.</param>
    public static void Resize(ReadOnlySpan<byte> source, int sourceWidth, Box crop, int width, int height, Box window, Span<byte> target, Workspace workspace)
    {
        workspace.Columns.Prepare(crop.Width, width, window.Left, window.Width);
        workspace.Rows.Prepare(crop.Height, height, window.Top, window.Height);
        var firstRow = workspace.Rows.Starts[0];
        var lastRow = workspace.Rows.Starts[window.Height - 1] + workspace.Rows.Counts[window.Height - 1];
        var rowBytes = window.Width * 3;
        var narrow = workspace.Narrow(rowBytes * (lastRow - firstRow));
        for (var row = firstRow; row < lastRow; row++)
        {
            var line = source.Slice((((crop.Top + row) * sourceWidth) + crop.Left) * 3, crop.Width * 3);
            ResizeRow(line, narrow.Slice((row - firstRow) * rowBytes, rowBytes), workspace.Columns);
        }

        var sums = workspace.Sums(rowBytes);
        for (var row = 0; row < window.Height; row++)
        {
            var start = (workspace.Rows.Starts[row] - firstRow) * rowBytes;
            CombineRows(narrow[start..], workspace.Rows.WeightsOf(row), sums, target.Slice(row * rowBytes, rowBytes));
        }
    }

    private static void ResizeRow(ReadOnlySpan<byte> line, Span<byte> target, Taps taps)
    {
        const int Half = 1 << (FractionBits - 1);
        for (int x = 0, to = 0; to < target.Length; x++, to += 3)
        {
            var (red, green, blue) = (Half, Half, Half);
            var from = taps.Starts[x] * 3;
            foreach (var weight in taps.WeightsOf(x))
            {
                red += line[from] * weight;
                green += line[from + 1] * weight;
                blue += line[from + 2] * weight;
                from += 3;
            }

            target[to] = Clip(red);
            target[to + 1] = Clip(green);
            target[to + 2] = Clip(blue);
        }
    }

    private static void CombineRows(ReadOnlySpan<byte> rows, ReadOnlySpan<int> weights, Span<int> sums, Span<byte> target)
    {
        sums.Fill(1 << (FractionBits - 1));
        for (var k = 0; k < weights.Length; k++)
        {
            AddRow(rows.Slice(k * target.Length, target.Length), weights[k], sums);
        }

        for (var i = 0; i < target.Length; i++)
        {
            target[i] = Clip(sums[i]);
        }
    }

    private static void AddRow(ReadOnlySpan<byte> row, int weight, Span<int> sums)
    {
        var i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            var factor = new Vector<int>(weight);
            for (; i <= row.Length - Vector<byte>.Count; i += Vector<byte>.Count)
            {
                Vector.Widen(new Vector<byte>(row[i..]), out var low, out var high);
                Vector.Widen(Vector.AsVectorInt16(low), out var first, out var second);
                Vector.Widen(Vector.AsVectorInt16(high), out var third, out var fourth);
                var vectors = MemoryMarshal.Cast<int, Vector<int>>(sums.Slice(i, Vector<byte>.Count));
                vectors[0] += first * factor;
                vectors[1] += second * factor;
                vectors[2] += third * factor;
                vectors[3] += fourth * factor;
            }
        }

        for (; i < row.Length; i++)
        {
            sums[i] += row[i] * weight;
        }
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> FractionBits, 0, 255);

    /// <summary>Buffers that one thread reuses.</summary>
    internal sealed class Workspace
    {
        private byte[] narrow = [];
        private int[] sums = [];

        /// <summary>Weights of the horizontal pass.</summary>
        public Taps Columns { get; } = new();

        /// <summary>Weights of the vertical pass.</summary>
        public Taps Rows { get; } = new();

        /// <summary>Room for the horizontally resized rows.</summary>
        public Span<byte> Narrow(int length) => Grown(ref narrow, length);

        /// <summary>Room for one row of sums.</summary>
        public Span<int> Sums(int length) => Grown(ref sums, length);

        private static Span<T> Grown<T>(ref T[] buffer, int length)
        {
            if (buffer.Length < length)
            {
                buffer = new T[length];
            }

            return buffer.AsSpan(0, length);
        }
    }

    /// <summary>For each output pixel the first input pixel and the weights of it and its successors.</summary>
    internal sealed class Taps
    {
        private int[] weights = [];
        private double[] exact = [];
        private int stride;

        /// <summary>First input pixel of each output pixel.</summary>
        public int[] Starts { get; private set; } = [];

        /// <summary>Number of input pixels of each output pixel.</summary>
        public int[] Counts { get; private set; } = [];

        /// <summary>Fixed-point weights of an output pixel.</summary>
        public ReadOnlySpan<int> WeightsOf(int output) => weights.AsSpan(output * stride, Counts[output]);

        /// <summary>Computes the weights for the outputs [offset, offset + count) of a line that goes from <paramref name="from"/> to <paramref name="to"/> pixels.</summary>
        public void Prepare(int from, int to, int offset, int count)
        {
            var scale = (double)from / to;
            var stretch = Math.Max(scale, 1);
            var reach = Support * stretch;
            stride = ((int)Math.Ceiling(reach) * 2) + 1;
            if (Starts.Length < count)
            {
                (Starts, Counts) = (new int[count], new int[count]);
            }

            if (weights.Length < count * stride || exact.Length < stride)
            {
                (weights, exact) = (new int[count * stride], new double[stride]);
            }

            for (var i = 0; i < count; i++)
            {
                var centre = (offset + i + 0.5) * scale;
                var start = Math.Max((int)(centre - reach + 0.5), 0);
                var end = Math.Min((int)(centre + reach + 0.5), from);
                Starts[i] = start;
                Counts[i] = end - start;
                var total = 0.0;
                for (var k = 0; k < end - start; k++)
                {
                    exact[k] = Kernel((start + k - centre + 0.5) / stretch);
                    total += exact[k];
                }

                for (var k = 0; k < end - start; k++)
                {
                    var weight = exact[k] / total * (1 << FractionBits);
                    weights[(i * stride) + k] = (int)(weight < 0 ? weight - 0.5 : weight + 0.5);
                }
            }
        }

        private static double Kernel(double x)
        {
            const double A = -0.5;
            x = Math.Abs(x);
            return x switch
            {
                < 1 => ((((A + 2) * x) - (A + 3)) * x * x) + 1,
                < 2 => ((((x - 5) * x) + 8) * x - 4) * A,
                _ => 0,
            };
        }
    }
}
