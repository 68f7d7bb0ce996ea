using static AutoProg.Graphs.Tests.Gradients.Domain;
using static AutoProg.Graphs.Tests.Gradients.GradientRow;

namespace AutoProg.Graphs.Tests.Gradients;

/// <summary>Rows of convolutions, pools and resampling.</summary>
internal static class WindowRows
{
    public static GradientRow[] Convolutions =>
    [
        Linear("Conv", "n c 6 5; m c 3 3", (b, x) => b.Conv(x[0], x[1])),
        Linear("Conv", "n c 5 5; m c 3 3; m", (b, x) => b.Conv(x[0], x[1], x[2], pads: [1, 1, 1, 1])) with { Note = "same size" },
        Linear("Conv", "n c 6 7; m c 2 3", (b, x) => b.Conv(x[0], x[1], pads: [1, 0, 0, 2])) with { Note = "asymmetric pads" },
        Linear("Conv", "n c 7 6; m c 3 3", (b, x) => b.Conv(x[0], x[1], strides: [2, 2], pads: [1, 1, 1, 1])) with { Note = "stride 2" },
        Linear("Conv", "n c 8 9; m c 3 2", (b, x) => b.Conv(x[0], x[1], strides: [3, 2], pads: [1, 0, 0, 1])) with { Note = "stride, asymmetric pads" },
        Linear("Conv", "n c 7 7; m c 2 3", (b, x) => b.Conv(x[0], x[1], dilations: [3, 2], pads: [1, 2, 1, 2])) with { Note = "dilation" },
        Linear("Conv", "n c 9 9; m c 3 2", (b, x) => b.Conv(x[0], x[1], strides: [2, 3], dilations: [2, 3])) with { Note = "stride and dilation" },
        Linear("Conv", "n 4 5 5; 6 2 3 3; 6", (b, x) => b.Conv(x[0], x[1], x[2], pads: [1, 1, 1, 1], groups: 2)) with { Note = "2 groups" },
        Linear("Conv", "n 4 6 6; 6 2 3 3", (b, x) => b.Conv(x[0], x[1], strides: [2, 2], groups: 2)) with { Note = "2 groups, stride 2" },
        Linear("Conv", "n 3 5 5; 3 1 3 3", (b, x) => b.Conv(x[0], x[1], pads: [1, 1, 1, 1], groups: 3)) with { Note = "depthwise" },
        Linear("Conv", "n 3 5 5; 6 1 3 3", (b, x) => b.Conv(x[0], x[1], strides: [2, 2], pads: [1, 1, 1, 1], groups: 3)) with { Note = "depthwise, twice the channels" },
        Linear("Conv", "n c 4 3; m c 1 1; m", (b, x) => b.Conv(x[0], x[1], x[2])) with { Note = "1x1" },
        Linear("Conv", "n c 5 6; m c 1 1", (b, x) => b.Conv(x[0], x[1], strides: [2, 2])) with { Note = "1x1, stride 2" },
        Linear("Conv", "n c 5 5; m c 2 2", (b, x) => b.Conv(x[0], x[1], pads: [3, 3, 2, 2])) with { Note = "pads beyond the kernel" },
        Linear("Conv", "n 2 7 8; 9 2 3 2", (b, x) => b.Conv(x[0], x[1], strides: [2, 1], pads: [1, 0, 1, 0])) with { Note = "few channels to many" },
        Linear("Conv", "n 9 7 8; 2 9 3 3", (b, x) => b.Conv(x[0], x[1], pads: [1, 1, 1, 1])) with { Note = "many channels to few" },
        Linear("Conv", "n 9 11 9; 2 9 4 3", (b, x) => b.Conv(x[0], x[1], strides: [3, 2], dilations: [2, 1], pads: [2, 0, 1, 1])) with { Note = "many channels to few, stride 3, dilation 2" },
        Linear("Conv", "n 8 6 6; 4 4 3 3", (b, x) => b.Conv(x[0], x[1], strides: [2, 2], pads: [1, 1, 1, 1], groups: 2)) with { Note = "many channels to few in 2 groups" },
        Linear("Conv", "n c 9; m c 3; m", (b, x) => b.Conv(x[0], x[1], x[2], strides: [2], pads: [1, 1])) with { Note = "one axis" },
        Linear("Conv", "n c 7; m c 3", (b, x) => b.Conv(x[0], x[1], pads: [1, 1])) with { Note = "one axis, stride 1" },
        Linear("Conv", "n c 4 6; m c 2 3; m", (b, x) => b.Conv(x[0], x[1], x[2], strides: [2, 3])) with { Note = "patches" },
        Linear("Conv", "n c 5 6; m c 3 2", (b, x) => Raw(b, x, new Attributes { { "auto_pad", "SAME_UPPER" }, { "strides", (long[])[2, 2] } })) with { Note = "SAME_UPPER" },
        Linear("Conv", "n c 5 6; m c 2 3", (b, x) => Raw(b, x, new Attributes { { "auto_pad", "SAME_LOWER" } })) with { Note = "SAME_LOWER" },
        Linear("Conv", "n c 5 6; m c 2 3", (b, x) => Raw(b, x, new Attributes { { "auto_pad", "VALID" } })) with { Note = "VALID" },
        Linear("Conv", "n 2 3 4 3; 4 1 2 2 2; 4", (b, x) => b.Conv(x[0], x[1], x[2], strides: [1, 2, 1], pads: [1, 0, 0, 0, 1, 1], groups: 2)) with { Note = "three axes" },
        Linear("Conv", "n c 5 6; m c 2 2", (b, x) => b.Conv(x[0], x[1], strides: [2, 2])) with { Note = "patches that leave a rest" },
        Linear("ConvTranspose", "n c 4 5; c m 3 3; m", (b, x) => b.ConvTranspose(x[0], x[1], x[2], strides: [2, 2], pads: [1, 1, 1, 1], outputPadding: [1, 0])),
        Linear("ConvTranspose", "n 4 3 3; 4 3 2 3", (b, x) => b.ConvTranspose(x[0], x[1], groups: 2)) with { Note = "2 groups" },
        Linear("ConvTranspose", "n c 3 4; c m 2 2", (b, x) => b.ConvTranspose(x[0], x[1], strides: [2, 2])) with { Note = "patches" },
        Linear("ConvTranspose", "n c 5; c m 3", (b, x) => b.ConvTranspose(x[0], x[1], strides: [3], dilations: [2])) with { Note = "one axis" },
    ];

    public static GradientRow[] Pools =>
    [
        Linear("AveragePool", "n c 6 4", (b, x) => b.AveragePool(x[0], [2, 2], [2, 2])),
        Linear("AveragePool", "n c 5 6", (b, x) => b.AveragePool(x[0], [3, 2])) with { Note = "stride 1" },
        Linear("AveragePool", "n c 5 5", (b, x) => b.AveragePool(x[0], [2, 2], [2, 2])) with { Note = "with a rest" },
        Linear("AveragePool", "n c 5 6", (b, x) => b.AveragePool(x[0], [3, 3], [2, 2], [1, 1, 1, 1])) with { Note = "pads" },
        Linear("AveragePool", "n c 5 6", (b, x) => b.AveragePool(x[0], [3, 3], [2, 2], [1, 1, 1, 1], countPadding: true)) with { Note = "pads counted" },
        Linear("AveragePool", "n c 5 7", (b, x) => b.AveragePool(x[0], [2, 2], [2, 2], ceiling: true)) with { Note = "ceiling" },
        Linear("AveragePool", "n c 6 6", (b, x) => b.AveragePool(x[0], [3, 3], [2, 2], [0, 1, 0, 1], ceiling: true)) with { Note = "ceiling, pads" },
        Linear("AveragePool", "n c 6 8", (b, x) => b.AveragePool(x[0], [3, 3], [2, 2], [1, 0, 0, 1], countPadding: true, ceiling: true)) with { Note = "ceiling, pads counted" },
        Linear("AveragePool", "n c 5 5", (b, x) => b.AveragePool(x[0], [1, 1], [2, 2], ceiling: true)) with { Note = "1x1, stride 2" },
        Linear("AveragePool", "n c 6 8", (b, x) => b.AveragePool(x[0], [3, 3], [2, 2], [1, 0, 1, 0], countPadding: true, ceiling: true)) with { Note = "ceiling beyond the pads, which are counted" },
        Linear("AveragePool", "n c 4 6", (b, x) => b.AveragePool(x[0], [1, 2], [2, 3], ceiling: true)) with { Note = "ceiling, last window would start behind the image" },
        Linear("AveragePool", "n c 7", (b, x) => b.AveragePool(x[0], [3], [2], [1, 1])) with { Note = "one axis" },
        Linear("GlobalAveragePool", "n c 3 4", (b, x) => b.GlobalAveragePool(x[0])),
        Linear("GlobalAveragePool", "n c 3", (b, x) => b.GlobalAveragePool(x[0])) with { Note = "one axis" },
        Of("MaxPool", "n c 6 4", (b, x) => b.MaxPool(x[0], [2, 2], [2, 2])) with { Domains = [Distinct] },
        Of("MaxPool", "n c 5 5", (b, x) => b.MaxPool(x[0], [3, 3], [2, 2], [1, 1, 1, 1])) with { Domains = [Distinct], Note = "overlapping, pads" },
        Of("MaxPool", "n c 5 6", (b, x) => b.MaxPool(x[0], [2, 3], [2, 2], ceiling: true)) with { Domains = [Distinct], Note = "ceiling" },
        Of("MaxPool", "n c 4 6", (b, x) => b.MaxPool(x[0], [1, 2], [2, 3], ceiling: true)) with { Domains = [Distinct], Note = "ceiling, last window would start behind the image" },
        Of("MaxPool", "n c 7", (b, x) => b.MaxPool(x[0], [3])) with { Domains = [Distinct], Note = "one axis" },
        Linear("MatMul", "n c 4 5", (b, x) => b.Resize2D(x[0], 7, 3, ResizeMode.Linear)) with { Note = "linear resize" },
        Linear("MatMul", "n c 4 5", (b, x) => b.Resize2D(x[0], 7, 3, ResizeMode.Cubic, 1.8, 0.7)) with { Note = "cubic resize" },
    ];

    private static Value Raw(GraphBuilder b, Value[] x, Attributes attributes) => b.Add("Conv", x, attributes)[0];
}
