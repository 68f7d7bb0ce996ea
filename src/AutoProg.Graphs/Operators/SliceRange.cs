namespace AutoProg.Graphs.Operators;

/// <summary>What a Slice takes along one axis, with ONNX's clamping applied.</summary>
/// <param name="Axis">Non-negative axis.</param>
/// <param name="Start">First index taken.</param>
/// <param name="Step">Distance between indices; negative runs backwards.</param>
/// <param name="Count">Number of indices taken.</param>
internal readonly record struct SliceRange(int Axis, long Start, long Step, long Count)
{
    /// <summary>The ranges of a Slice node (starts, ends, axes, steps are inputs 1 to 4).</summary>
    public static IEnumerable<SliceRange> All(Node node)
    {
        var shape = node.Input(0).Shape;
        var (starts, ends) = (node.ConstantInts(1)!, node.ConstantInts(2)!);
        var axes = node.ConstantInts(3) ?? [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)];
        var steps = node.ConstantInts(4);
        for (var i = 0; i < starts.Length; i++)
        {
            var axis = shape.Axis(axes[i]);
            var size = shape[axis];
            var step = steps?[i] ?? 1;
            var (low, high) = step > 0 ? (0L, size) : (-1L, size - 1);
            var start = Math.Clamp(starts[i] < 0 ? starts[i] + size : starts[i], Math.Max(low, 0), high);
            var end = Math.Clamp(ends[i] < 0 ? Math.Max(ends[i], -size - 1) + size : ends[i], low, high);
            if (step == 0)
            {
                throw new GraphException("a step is 0.");
            }

            var span = step > 0 ? end - start : start - end;
            var stride = Math.Abs(step);
            yield return new SliceRange(axis, start, step, Math.Max(0, (span + stride - 1) / stride));
        }
    }
}
