using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients;

internal static class ConvGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["Conv"] = static (b, n, dy) =>
        {
            var window = Window.OfConv(n);
            var groups = n.Attributes.Int("group", 1);
            var dx = ConvImageAdjoint.Of(b, dy[0], n.Input(1), window, groups, n.Input(0).Shape);
            return WithBias(b, n, dy[0], dx, () => ConvKernelAdjoint.Of(b, n.Input(0), dy[0], n.Input(1).Shape, window, groups));
        },

        // y = adjoint of a convolution with the same kernel: dx is that convolution, dw has the roles of x and dy exchanged.
        ["ConvTranspose"] = static (b, n, dy) =>
        {
            var window = Window.OfConvTranspose(n);
            var groups = n.Attributes.Int("group", 1);
            var dx = b.Add("Conv", [dy[0], n.Input(1)], ConvImageAdjoint.Settings(window, groups))[0];
            return WithBias(b, n, dy[0], dx, () => ConvKernelAdjoint.Of(b, dy[0], n.Input(0), n.Input(1).Shape, window, groups));
        },
    };

    private static Value?[] WithBias(GraphBuilder b, Node n, Value dy, Value dx, Func<Value> dw)
    {
        var all = new Value?[n.Inputs.Count];
        all[0] = dx;
        all[1] = n.Input(1).Kind == ValueKind.Constant ? null : dw();
        if (n.OptionalInput(2) is not null)
        {
            all[2] = b.ReduceSum(dy, [0, .. Enumerable.Range(2, dy.Shape.Rank - 2).Select(i => (long)i)]);
        }

        return all;
    }
}
