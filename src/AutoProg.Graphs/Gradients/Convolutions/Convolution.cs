using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients.Convolutions;

/// <summary>The sizes of y = conv(x, w), which its adjoints share: x [N, C, size], w [M, C / groups, taps], y [N, M, windows].</summary>
/// <param name="Image">Shape of x.</param>
/// <param name="Kernel">Shape of w.</param>
/// <param name="Window">How the kernel slides over x.</param>
/// <param name="Groups">Groups of channels.</param>
internal sealed record Convolution(Shape Image, Shape Kernel, Window Window, long Groups)
{
    /// <summary>Images N.</summary>
    public long Batch => Image[0];

    /// <summary>Channels M of y.</summary>
    public long Responses => Kernel[0];

    /// <summary>Channels of x per group.</summary>
    public long Channels => Kernel[1];

    /// <summary>Shape of y.</summary>
    public Shape Response => Shape.Of([Batch, Responses, .. Window.Counts]);

    /// <summary>A kernel of one tap.</summary>
    public bool IsPointwise => Window.Axes.All(a => a.Kernel == 1);

    /// <summary>The sizes of a Conv node.</summary>
    public static Convolution Of(Node node) =>
        new(node.Input(0).Shape, node.Input(1).Shape, Window.OfConv(node), node.Attributes.Int("group", 1));

    /// <summary>The sizes of the convolution whose adjoint a ConvTranspose node is: from its output to its input.</summary>
    public static Convolution OfAdjoint(Node node) =>
        new(node.Output.Shape, node.Input(1).Shape, Window.OfConvTranspose(node), node.Attributes.Int("group", 1));

    /// <summary>The attributes of a Conv or ConvTranspose that slides a kernel like a window.</summary>
    public static Attributes Sliding(Window window, long groups) => new()
    {
        { "dilations", window.Axes.Select(a => a.Dilation).ToArray() },
        { "group", groups },
        { "kernel_shape", window.Kernel },
        { "pads", [.. window.Axes.Select(a => a.Before), .. window.Axes.Select(a => a.After)] },
        { "strides", window.Axes.Select(a => a.Stride).ToArray() },
    };
}
