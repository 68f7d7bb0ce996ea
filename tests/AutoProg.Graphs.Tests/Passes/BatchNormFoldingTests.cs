using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Passes;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Graphs.Tests.Passes;

public sealed class BatchNormFoldingTests
{
    private const string Rule = "BN(x W + b) = x (a W) + a (b - mean) + bias";
    private static readonly long[] Stride = [2, 2];

    public static TheoryData<string> Products => new("convolution", "without bias", "groups", "one axis", "Gemm", "transposed Gemm", "scaled Gemm", "MatMul");

    [Theory]
    [MemberData(nameof(Products))]
    public void A_normalisation_becomes_part_of_the_product_below_it(string product)
    {
        var b = new GraphBuilder();
        b.Output("y", b.Relu(Normalized(b, Product(b, product))));
        var before = b.Build();
        var log = new RewriteLog();
        var after = BatchNormFolding.Apply(before, storedWeights: true, log);

        Assert.Equal(1, log.Fired[Rule]);
        Assert.DoesNotContain("BatchNormalization", PassAssert.Operators(after), StringComparison.Ordinal);
        PassAssert.SameNumbers(before, after);
    }

    [Fact]
    public void What_cannot_be_folded_is_told()
    {
        AssertRefused("has other readers.", b =>
        {
            var x = Product(b, "convolution");
            b.Output("unnormalised", x);
            return Normalized(b, x);
        });
        AssertRefused("has no weights.", b => Normalized(b, b.MatMul(b.Input("p", ElementType.Float, [5, 3]), b.Input("q", ElementType.Float, [3, 4]))));
        AssertRefused("are not the columns of node 'MatMul' (MatMul).", b => Normalized(b, b.MatMul(b.Input("x", ElementType.Float, [2, 4, 3]), b.Parameter("w", [3, 6]))));
        AssertRefused("adds [5, 4], not a number per channel.", b => Normalized(b, b.Gemm(b.Input("x", ElementType.Float, [5, 3]), b.Parameter("w", [3, 4]), b.Parameter("b", [5, 4]))));
        AssertRefused(
            "to scale 108 weights at every run is more work than to normalise 16 elements.",
            b => Normalized(b, b.Conv(b.Input("x", ElementType.Float, [1, 3, 4, 4]), b.Parameter("w", [4, 3, 3, 3]))),
            storedWeights: false);
    }

    [Fact]
    public void Little_work_on_weights_is_worth_it_at_every_run()
    {
        var b = new GraphBuilder();
        b.Output("y", Normalized(b, b.Conv(b.Input("x", ElementType.Float, [1, 3, 4, 4]), b.Parameter("w", [4, 3, 1, 1]))));
        var after = BatchNormFolding.Apply(b.Build(), storedWeights: false);

        Assert.DoesNotContain(after.Nodes, n => n.Operator == "BatchNormalization");
        PassAssert.SameNumbers(b.Build(), after);
    }

    [Fact]
    public void The_batchs_own_statistics_stay()
    {
        var b = new GraphBuilder();
        b.Output("y", b.BatchNormalizationInTraining(Product(b, "convolution"), b.Parameter("scale", [4]), b.Parameter("bias", [4])).Result);
        var log = new RewriteLog();
        BatchNormFolding.Apply(b.Build(), storedWeights: true, log);

        Assert.Empty(log.Fired);
        Assert.Empty(log.Refused);
    }

    [Fact]
    public void A_stored_model_holds_the_folded_weights_and_gives_the_same_numbers()
    {
        var b = new GraphBuilder();
        b.Output("y", b.Add(Normalized(b, Product(b, "convolution")), b.Parameter("kept", [1, 4, 1, 1])));
        var graph = b.Build();
        var folded = StoredWeights.Fold(BatchNormFolding.Apply(graph, storedWeights: true), Drawn);

        Assert.Equal("Conv Add", PassAssert.Operators(folded));
        Assert.Empty(folded.Parameters);
        Assert.Equal(3, folded.Constants.Count);
        Assert.Contains(folded.Constants, static c => c.Name == "kept");

        var image = Enumerable.Range(0, 2 * 4 * 7 * 7).Select(static i => MathF.Sin(i)).ToArray();
        var expected = Run(OnnxWriter.Write(graph, "live"), image, graph.Parameters.Select(static p => p.Name));
        var actual = Run(OnnxWriter.WriteWithWeights(BatchNormFolding.Apply(graph, storedWeights: true), "stored", Drawn), image, []);
        Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First, pair.Second, 1e-5)); // float32 sums of 36 numbers of order one
    }

    private static Value Normalized(GraphBuilder b, Value x, string prefix = "")
    {
        Value Parameter(string name) => b.Parameter(prefix + name, [x.Shape[1]]);
        return b.BatchNormalization(x, Parameter("scale"), Parameter("bias"), Parameter("mean"), b.Exp(Parameter("log_variance")), 1e-3f);
    }

    private static Value Product(GraphBuilder b, string product)
    {
        Value Image() => b.Input("x", ElementType.Float, [2, 4, 7, 7]);
        Value Rows() => b.Input("x", ElementType.Float, [5, 3]);
        return product switch
        {
            "convolution" => b.Conv(Image(), b.Parameter("w", [4, 4, 3, 3]), b.Parameter("b", [4]), strides: Stride),
            "without bias" => b.Conv(Image(), b.Parameter("w", [6, 4, 3, 3])),
            "groups" => b.Conv(Image(), b.Parameter("w", [6, 2, 3, 3]), b.Parameter("b", [6]), groups: 2),
            "one axis" => b.Conv(b.Input("x", ElementType.Float, [2, 4, 7]), b.Parameter("w", [6, 4, 3])),
            "Gemm" => b.Gemm(Rows(), b.Parameter("w", [3, 4]), b.Parameter("b", [4])),
            "transposed Gemm" => b.Gemm(Rows(), b.Parameter("w", [4, 3]), transB: true),
            "scaled Gemm" => b.Gemm(Rows(), b.Parameter("w", [3, 4]), b.Parameter("b", [1, 4]), alpha: 0.5f, beta: -3),
            _ => b.MatMul(Rows(), b.Parameter("w", [3, 4])),
        };
    }

    private static void AssertRefused(string reason, Func<GraphBuilder, Value> build, bool storedWeights = true)
    {
        var b = new GraphBuilder();
        b.Output("y", build(b));
        var log = new RewriteLog();
        var after = BatchNormFolding.Apply(b.Build(), storedWeights, log);

        Assert.Contains(after.Nodes, n => n.Operator == "BatchNormalization");
        Assert.EndsWith(reason, Assert.Single(log.Refused), StringComparison.Ordinal);
    }

    private static Tensor Drawn(string name)
    {
        Shape shape = name switch { "w" => [4, 4, 3, 3], "kept" => [1, 4, 1, 1], _ => [4] };
        return Tensor.FromFloats(shape, [.. Enumerable.Range(0, (int)shape.ElementCount).Select(i => MathF.Cos(name.Length + (7 * i)))]);
    }

    private static float[] Run(byte[] model, float[] image, IEnumerable<string> parameters)
    {
        using var session = new InferenceSession(model);
        using var options = new RunOptions();
        var fed = parameters.Select(static name => (Name: name, Tensor: Drawn(name))).Append((Name: "x", Tensor: Tensor.FromFloats([2, 4, 7, 7], image)))
            .ToDictionary(static pair => pair.Name, static pair => OrtValue.CreateTensorValueFromMemory(pair.Tensor.Floats().ToArray(), pair.Tensor.Shape.ToArray()));
        using var results = session.Run(options, fed, ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
