using AutoProg.Graphs.Gradients.PerSample;

namespace AutoProg.Graphs.Tests.Gradients.PerSample;

/// <summary>A row of the table of per-sample gradients: a forward graph for any batch; all its parameters are differentiated by.</summary>
/// <param name="Operator">The operator whose rule the row is for.</param>
/// <param name="Note">Tells apart rows of the same operator.</param>
/// <param name="Results">From builder and batch to results, whose rows are the samples or their tokens.</param>
internal sealed record PerSampleRow(string Operator, string Note, Func<GraphBuilder, long, Value> Results)
{
    public string Name => $"{Operator} {Note}";

    /// <summary>The results, a row per sample.</summary>
    public Value Build(GraphBuilder b, long batch)
    {
        var results = Results(b, batch);
        return b.Reshape(results, [batch, results.Shape.ElementCount / batch]);
    }

    /// <summary>The graph with an output <c>gram.parameter</c> for every parameter.</summary>
    public Graph Grams(long batch)
    {
        var b = new GraphBuilder();
        var output = Build(b, batch);
        foreach (var (parameter, gram) in PerSampleGradients.AddGrams(b, output, b.Parameters))
        {
            b.Output($"gram.{parameter.Name}", gram);
        }

        return b.Build();
    }
}

internal static class PerSampleRows
{
    /// <summary>Indices are drawn from -Rows to Rows - 1.</summary>
    public const int Rows = 3;

    private static readonly PerSampleRow[] Table =
    [
        new("Gemm", "of one token, transposed", (b, n) => b.Tanh(b.Gemm(X(b, n, 5), b.Parameter("w", [6, 5]), b.Parameter("c", [6]), transB: true))),
        new("Gemm", "of many tokens, transposed", (b, n) => b.Tanh(b.Gemm(Tokens(b, n, 16, 5), b.Parameter("w", [6, 5]), b.Parameter("c", [6]), transB: true))),
        new("Gemm", "with factors", (b, n) => b.Tanh(b.Gemm(Tokens(b, n, 2, 5), b.Parameter("w", [5, 6]), b.Parameter("c", [1]), alpha: 0.5f, beta: 2))),
        new("Gemm", "with samples added", (b, n) => b.Tanh(b.Gemm(Tokens(b, n, 1, 4), b.Parameter("w", [4, 4]), X(b, n, 4), transB: true))),
        new("MatMul", "of a stack", (b, n) => b.Tanh(b.MatMul(X(b, n, 2, 4, 5), b.Parameter("w", [5, 3])))),
        new("FusedMatMul", "of a stack, transposed", (b, n) => b.Tanh(b.FusedMatMul(X(b, n, 4, 5), b.Parameter("w", [3, 5]), transB: true, alpha: 0.7f))),
        new("MatMul", "twice with the same weight", (b, n) =>
        {
            var w = b.Parameter("w", [4, 4]);
            return b.MatMul(b.Tanh(b.MatMul(X(b, n, 3, 4), w)), w);
        }),
        new("MatMul", "with a weight in two shapes", (b, n) =>
        {
            var w = b.Parameter("w", [2, 8]);
            return b.Tanh(b.MatMul(b.MatMul(X(b, n, 3, 2), w), b.Reshape(w, [8, 2])));
        }),
        new("MatMul", "with a weight and its transpose", (b, n) =>
        {
            var w = b.Parameter("w", [3, 5]);
            return b.MatMul(b.Tanh(b.MatMul(X(b, n, 3), w)), b.Transpose(w, 1, 0));
        }),
        new("MatMul", "with a product of parameters", (b, n) =>
            b.Tanh(b.MatMul(X(b, n, 4), b.Mul(b.Parameter("w", [4, 3]), b.Exp(b.Parameter("scale", [3])))))),
        new("MatMul", "behind attention", (b, n) =>
        {
            var x = b.MatMul(X(b, n, 4, 6), b.Parameter("qkv", [6, 12]));
            var parts = b.Split(b.Transpose(b.Reshape(x, [n, 4, 6, 2]), 0, 2, 1, 3), 1, 2, 2, 2);
            var mixed = b.FusedMatMul(b.Softmax(b.FusedMatMul(parts[0], parts[1], transB: true)), parts[2]);
            return b.MatMul(b.Reshape(b.Transpose(mixed, 0, 2, 1, 3), [n * 4, 4]), b.Parameter("proj", [4, 2]));
        }),
        new("Conv", "with padding", (b, n) => b.Tanh(b.Conv(X(b, n, 2, 4, 5), b.Parameter("w", [3, 2, 3, 3]), b.Parameter("c", [3]), pads: [1, 1, 1, 1]))),
        new("Conv", "with strides, dilation and one-sided padding", (b, n) =>
            b.Tanh(b.Conv(X(b, n, 2, 7, 6), b.Parameter("w", [3, 2, 2, 3]), strides: [2, 1], dilations: [1, 2], pads: [0, 1, 1, 0]))),
        new("Conv", "of patches", (b, n) => b.Tanh(b.Conv(X(b, n, 2, 4, 6), b.Parameter("w", [3, 2, 2, 2]), b.Parameter("c", [3]), strides: [2, 2]))),
        new("Conv", "in groups", (b, n) => b.Tanh(b.Conv(X(b, n, 4, 4, 5), b.Parameter("w", [6, 2, 3, 3]), b.Parameter("c", [6]), pads: [1, 1, 1, 1], groups: 2))),
        new("Conv", "of each channel", (b, n) => b.Tanh(b.Conv(X(b, n, 3, 5, 4), b.Parameter("w", [3, 1, 3, 3]), strides: [2, 1], pads: [1, 1, 1, 1], groups: 3))),
        new("Conv", "along one axis", (b, n) => b.Tanh(b.Conv(X(b, n, 2, 7), b.Parameter("w", [3, 2, 3]), dilations: [2], pads: [1, 2]))),
        new("Conv", "of several images of a sample", (b, n) => b.Tanh(b.Conv(b.Reshape(X(b, n, 2, 4, 4, 5), [2 * n, 4, 4, 5]), b.Parameter("w", [6, 2, 3, 3]), groups: 2))),
        new("Gather", "of a row", (b, n) => b.Tanh(b.Mul(b.Gather(b.Parameter("table", [Rows, 4]), Index(b, n)), X(b, n, 4)))),
        new("Gather", "of several rows", (b, n) => b.Tanh(b.Mul(b.Gather(b.Parameter("table", [Rows, 2, 2]), Index(b, n, 3)), X(b, n, 3, 2, 2)))),
        new("Gather", "of a table that is a weight, too", (b, n) =>
        {
            var table = b.Parameter("table", [Rows, 4]);
            return b.Gemm(b.Tanh(b.Mul(b.Gather(table, Index(b, n)), X(b, n, 4))), table, transB: true);
        }),
        new("LayerNormalization", "of rows", (b, n) => b.Tanh(b.LayerNormalization(Tokens(b, n, 4, 5), b.Parameter("scale", [5]), b.Parameter("bias", [5]), 1e-3f))),
        new("LayerNormalization", "of a stack", (b, n) => b.Tanh(b.LayerNormalization(X(b, n, 2, 5), b.Parameter("scale", [5]), null, 1e-3f))),
        new("BatchNormalization", "of images", (b, n) => b.Tanh(Normalized(b, X(b, n, 3, 2, 4)))),
        new("BatchNormalization", "of rows", (b, n) => b.Tanh(Normalized(b, X(b, n, 3)))),
        new("Add", "of positions", (b, n) => b.Tanh(b.Add(X(b, n, 4, 5), b.Parameter("p", [1, 4, 5])))),
        new("Add", "of positions that are resampled", (b, n) =>
        {
            var (table, weights) = (b.Parameter("p", [1, 5, 3]), new float[] { 0.5f, 0.5f, 0, 0, 0, 0, 0.25f, 0.75f });
            var resampled = b.Gemm(b.Floats([2, 4], weights), b.Reshape(b.Slice(table, 1, 1, 5), [4, 3]));
            return b.Tanh(b.Add(X(b, n, 3, 3), b.Concat(1, b.Slice(table, 1, 0, 1), b.Reshape(resampled, [1, 2, 3]))));
        }),
        new("Sub", "of a bias of tokens", (b, n) => b.Tanh(b.Sub(b.Parameter("p", [5]), Tokens(b, n, 4, 5)))),
        new("Mul", "by a scalar", (b, n) => b.Tanh(b.Mul(X(b, n, 4, 5), b.Parameter("p", [1])))),
        new("Mul", "of samples and a column", (b, n) => b.Tanh(b.Mul(X(b, n, 4, 5), b.Parameter("p", [4, 1])))),
        new("Div", "by a row", (b, n) => b.Tanh(b.Div(X(b, n, 4, 5), b.Exp(b.Parameter("p", [5]))))),
        new("Pow", "to a power", (b, n) => b.Tanh(b.Pow(b.Exp(X(b, n, 4)), b.Parameter("p", [4])))),
        new("Mod", "by a row", (b, n) => b.Tanh(b.Mod(b.Scale(X(b, n, 4), 5), b.Exp(b.Parameter("p", [4]))))),
        new("PRelu", "with a slope per channel", (b, n) => b.Tanh(b.PRelu(X(b, n, 3, 4), b.Parameter("p", [3, 1])))),
        new("Max", "with a row", (b, n) => b.Tanh(b.Max(X(b, n, 4), b.Parameter("p", [4])))),
        new("Min", "with a row", (b, n) => b.Tanh(b.Min(X(b, n, 4), b.Parameter("p", [4])))),
        new("Where", "samples are positive", (b, n) =>
        {
            var x = X(b, n, 4);
            return b.Tanh(b.Mul(x, b.Where(b.Greater(x, b.ScalarLike(x, 0)), b.Parameter("p", [4]), b.Parameter("q", [1]))));
        }),
        new("Concat", "of a class token", (b, n) =>
        {
            var tokens = b.Concat(1, b.Expand(b.Parameter("token", [1, 1, 3]), [n, 1, 3]), X(b, n, 2, 3));
            return b.MatMul(b.Softmax(b.FusedMatMul(tokens, tokens, transB: true)), tokens);
        }),
    ];

    public static TheoryData<string> Names => [.. All.Keys];

    public static IReadOnlyDictionary<string, PerSampleRow> All { get; } = Table.ToDictionary(r => r.Name, StringComparer.Ordinal);

    private static Value X(GraphBuilder b, long batch, params long[] sample) => b.Input($"x{b.Inputs.Count}", ElementType.Float, Shape.Of([batch, .. sample]));

    private static Value Normalized(GraphBuilder b, Value x) =>
        b.BatchNormalization(x, b.Parameter("scale", [3]), b.Parameter("bias", [3]), b.Floats([3], [0.1f, -0.2f, 0.3f]), b.Floats([3], [0.5f, 1, 2]));

    private static Value Tokens(GraphBuilder b, long batch, long tokens, long width) => b.Reshape(X(b, batch, tokens, width), [batch * tokens, width]);

    private static Value Index(GraphBuilder b, long batch, params long[] sample) => b.Input($"x{b.Inputs.Count}", ElementType.Int64, Shape.Of([batch, .. sample]));
}
