namespace AutoProg.Graphs.Gradients.Convolutions;

internal static class ConvGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["Conv"] = static (b, n, dy) =>
        {
            var conv = Convolution.Of(n);
            return WithBias(b, n, dy[0], ConvImageAdjoint.Of(b, conv, dy[0], n.Input(1)), () => ConvKernelAdjoint.Of(b, conv, n.Input(0), dy[0]));
        },

        // y = adjoint of a convolution with the same kernel: dx is that convolution, dw has the roles of x and dy exchanged.
        ["ConvTranspose"] = static (b, n, dy) =>
        {
            var conv = Convolution.OfAdjoint(n);
            var dx = b.Add("Conv", [dy[0], n.Input(1)], Convolution.Sliding(conv.Window, conv.Groups))[0];
            return WithBias(b, n, dy[0], dx, () => ConvKernelAdjoint.Of(b, conv, dy[0], n.Input(0)));
        },
    };

    private static Value?[] WithBias(GraphBuilder b, Node n, Value dy, Value dx, Func<Value> dw)
    {
        var all = new Value?[n.Inputs.Count];
        all[0] = dx;
        all[1] = n.Input(1).Kind == ValueKind.Constant ? null : dw();
        if (n.OptionalInput(2) is not null)
        {
            all[2] = ChannelSums.Of(b, dy);
        }

        return all;
    }
}
