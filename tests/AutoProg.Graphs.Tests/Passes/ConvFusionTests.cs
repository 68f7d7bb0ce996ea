using AutoProg.Graphs.Passes;
using AutoProg.Graphs.Tests.Evaluation;
using AutoProg.Graphs.Tests.Gradients;

namespace AutoProg.Graphs.Tests.Passes;

public sealed class ConvFusionTests
{
    private const string Affine = "x a + b = Conv(x, a, b) with a factor and a shift per channel";
    private const string AffineSum = "x a + b + y c = FusedConv(y, c, b, x a)";
    private const string Sum = "Conv(x, w, b) + z = FusedConv(x, w, b, z)";
    private const string Relu = "Relu(Conv(x, w, b)) = FusedConv(x, w, b) with Relu";

    public static TheoryData<string> Rows => GradientRows.Names;

    [Theory]
    [InlineData(new long[] { 2, 3, 130 })]
    [InlineData(new long[] { 2, 3, 10, 13 })]
    [InlineData(new long[] { 2, 3, 2, 8, 9 })]
    public void A_factor_and_a_shift_per_channel_are_a_convolution(long[] shape) =>
        Rewrites(Affine, "Reshape Conv", (b, x) => Scaled(b, x, "a", "b"), shape);

    [Fact]
    public void An_activation_becomes_part_of_it() =>
        Rewrites(Relu, "Reshape FusedConv", (b, x) => b.Relu(Scaled(b, x, "a", "b")));

    [Fact]
    public void A_residual_is_added_in_the_memory_of_the_product() =>
        Rewrites(AffineSum, "Reshape Mul FusedConv", (b, x) => b.Relu(b.Add(b.Input("z", ElementType.Float, x.Shape), Scaled(b, x, "a", "b"))));

    [Fact]
    public void The_gradient_of_a_batch_normalisation_is_a_product_and_a_convolution() =>
        Rewrites(AffineSum, "Reshape Mul Reshape FusedConv", (b, x) => b.Add(Scaled(b, x, "a", "b"), b.Mul(b.Input("z", ElementType.Float, x.Shape), PerChannel(b, "c", x))));

    [Fact]
    public void What_is_added_to_a_convolution_becomes_part_of_it() =>
        Rewrites(Sum, "FusedConv", (b, x) => b.Add(Convolved(b, x), b.Input("z", ElementType.Float, [2, 4, 10, 13])));

    [Fact]
    public void A_convolution_with_a_bias_a_sum_and_an_activation_is_one_operator() =>
        Rewrites(Sum, "FusedConv", (b, x) => b.Relu(b.Add(b.Conv(x, b.Parameter("w", [4, 3, 3, 3]), b.Parameter("bias", [4]), pads: [1, 1, 1, 1]), b.Input("z", ElementType.Float, [2, 4, 10, 13]))));

    [Fact]
    public void What_something_else_reads_stays()
    {
        Stays("Conv Relu", (b, x) =>
        {
            var y = Convolved(b, x);
            b.Output("read", y);
            return b.Relu(y);
        });
        Stays("Reshape Mul Reshape Add", (b, x) =>
        {
            var product = b.Mul(x, PerChannel(b, "a", x));
            b.Output("read", product);
            return b.Add(product, PerChannel(b, "b", x));
        });
    }

    [Fact]
    public void What_is_not_per_channel_stays()
    {
        Stays("Mul Add", (b, x) => b.Add(b.Mul(x, b.Parameter("a", [1, 1, 1, 13])), b.Parameter("b", [1, 3, 1, 1])));
        Stays("Mul Add", (b, x) => b.Add(b.Mul(x, b.Parameter("a", [1, 3, 1, 1])), b.Parameter("b", [1, 3, 10, 1])));
        Stays("Conv Add", (b, x) => b.Add(Convolved(b, x), b.Parameter("z", [1, 4, 1, 1])));
    }

    [Fact]
    public void Short_rows_stay_which_is_told()
    {
        var b = new GraphBuilder();
        b.Output("y", Scaled(b, b.Input("x", ElementType.Float, [2, 3, 7, 7]), "a", "b"));
        var log = new RewriteLog();
        ConvFusion.Apply(b.Build(), log);

        Assert.Empty(log.Fired);
        Assert.Contains("the rows of [2, 3, 7, 7] are short", Assert.Single(log.Refused), StringComparison.Ordinal);
    }

    [Fact]
    public void A_convolution_of_each_channel_that_is_not_of_this_passs_making_keeps_its_strides() =>
        Rewrites(Sum, "FusedConv", (b, x) => b.Add(b.Conv(x, b.Parameter("w", [3, 1, 1, 1]), strides: [2, 2], groups: 3), b.Input("z", ElementType.Float, [2, 3, 5, 7])));

    [Theory]
    [MemberData(nameof(Rows))]
    public void The_results_of_every_gradient_graph_stay(string row)
    {
        var drawn = GradientRows.All[row].Draw(1, ElementType.Float);
        var expected = DoubleEvaluator.Run(drawn.Training, drawn.Feeds);
        foreach (var (name, actual) in OrtRun.Run(ConvFusion.Apply(Pass.Standard(BatchStatistics.Expand(drawn.Training)), new RewriteLog()), drawn.Feeds))
        {
            var size = Math.Max(1, expected[name].Values.DefaultIfEmpty().Max(Math.Abs));
            Assert.All(expected[name].Values.Zip(actual.Values), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * size)); // float32 kernels
        }
    }

    private static Value Scaled(GraphBuilder b, Value x, string factor, string shift) => b.Add(b.Mul(x, PerChannel(b, factor, x)), PerChannel(b, shift, x));

    private static Value PerChannel(GraphBuilder b, string name, Value x) => b.Reshape(b.Parameter(name, [x.Shape[1]]), Shape.Of([1, x.Shape[1], .. Enumerable.Repeat(1L, x.Shape.Rank - 2)]));

    private static Value Convolved(GraphBuilder b, Value x) => b.Conv(x, b.Parameter("w", [4, 3, 3, 3]), pads: [1, 1, 1, 1]);

    private static void Rewrites(string rule, string operators, Func<GraphBuilder, Value, Value> build, long[]? shape = null) =>
        PassAssert.Rewrites(b => b.Output("y", build(b, b.Input("x", ElementType.Float, Shape.Of(shape ?? [2, 3, 10, 13])))), ConvFusion.Apply, rule, 1, operators);

    private static void Stays(string operators, Func<GraphBuilder, Value, Value> build) =>
        PassAssert.Rewrites(b => b.Output("y", build(b, b.Input("x", ElementType.Float, [2, 3, 10, 13]))), ConvFusion.Apply, Relu, 0, operators);
}
