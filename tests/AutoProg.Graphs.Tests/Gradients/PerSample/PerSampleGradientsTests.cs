using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Gradients.PerSample;
using AutoProg.Graphs.Tests.Evaluation;

namespace AutoProg.Graphs.Tests.Gradients.PerSample;

public sealed class PerSampleGradientsTests
{
    private const int Batch = 3;

    // Sums of some hundred products.
    private const double DoublePrecision = 1e-11;
    private const double SinglePrecision = 1e-4;

    public static TheoryData<string> Rows => PerSampleRows.Names;

    [Theory]
    [MemberData(nameof(Rows))]
    public void Gram_matrices_are_those_of_the_gradients_of_each_sample_on_its_own(string row)
    {
        var feeds = Draw(row, Batch);
        foreach (var (name, gram) in DoubleEvaluator.Run(PerSampleRows.All[row].Grams(Batch), feeds))
        {
            Assert.Equal(0, Deviation(gram.Values, OneByOne(row, feeds, name)), DoublePrecision);
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Gram_graphs_run_in_ONNX_Runtime_and_agree_with_the_evaluator(string row)
    {
        var (graph, feeds) = (PerSampleRows.All[row].Grams(Batch), Draw(row, Batch));
        var actual = OrtRun.Run(graph, feeds);
        foreach (var (name, gram) in DoubleEvaluator.Run(graph, feeds))
        {
            Assert.Equal(0, Deviation(actual[name].Values, gram.Values), SinglePrecision);
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_batch_of_one_has_the_square_of_its_gradient(string row)
    {
        var feeds = Draw(row, 1);
        foreach (var (name, gram) in DoubleEvaluator.Run(PerSampleRows.All[row].Grams(1), feeds))
        {
            Assert.Equal(0, Deviation(gram.Values, OneByOne(row, feeds, name)), DoublePrecision);
        }
    }

    [Fact]
    public void Every_rule_has_a_row() => Assert.Empty(PerSampleRules.Known.Except(PerSampleRows.All.Values.Select(r => r.Operator)));

    [Theory]
    [InlineData(1, true)]
    [InlineData(16, false)]
    public void The_rows_use_both_forms_of_a_product_of_gradients(int tokens, bool byTokens) =>
        Assert.Equal(byTokens, OuterProducts.ByTokensIsCheaper(Batch, tokens, 6, 5));

    [Theory]
    [InlineData(16, 1, 576, 96, true)]      // a modulation: one token
    [InlineData(16, 64, 288, 96, false)]    // a layer of a small transformer
    [InlineData(16, 256, 3456, 1152, false)]
    [InlineData(16, 4, 3456, 1152, true)]
    public void The_cheaper_form_depends_on_tokens_and_widths(int batch, int tokens, int p, int q, bool byTokens) =>
        Assert.Equal(byTokens, OuterProducts.ByTokensIsCheaper(batch, tokens, p, q));

    [Fact]
    public void What_stops_gradients_has_no_share()
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, [2, 1]), b.Parameter("w", [1, 1]));
        var output = b.Add(b.MatMul(x, w), b.MatMul(x, b.StopGradient(b.Scale(w, 10))));
        b.Output("gram", PerSampleGradients.AddGrams(b, output, [w])[w]);
        var gram = DoubleEvaluator.Run(b.Build(), new Dictionary<string, DoubleTensor> { ["x"] = new([2, 1], [3, 5]), ["w"] = new([1, 1], [1]) })["gram"];
        Assert.Equal([9, 15, 15, 25], gram.Values);
    }

    private static double[] OneByOne(string row, Dictionary<string, DoubleTensor> feeds, string gram)
    {
        var b = new GraphBuilder();
        var output = PerSampleRows.All[row].Build(b, 1);
        var parameter = b.Parameters.Single(p => $"gram.{p.Name}" == gram);
        b.Output("gradient", Differentiator.AddGradients(b, b.ReduceSum(output, []), [parameter])[parameter]);
        var single = b.Build();
        var batch = (int)feeds["x0"].Shape[0];
        var gradients = Enumerable.Range(0, batch)
            .Select(i => DoubleEvaluator.Run(single, feeds.ToDictionary(f => f.Key, f => f.Key[0] == 'x' ? Sample(f.Value, i) : f.Value))["gradient"].Values)
            .ToArray();
        Assert.Contains(gradients, g => g.Any(e => e != 0));
        return [.. gradients.SelectMany(left => gradients.Select(right => left.Zip(right, (l, r) => l * r).Sum()))];
    }

    private static DoubleTensor Sample(DoubleTensor batch, int index)
    {
        var length = batch.Values.Length / (int)batch.Shape[0];
        return new(batch.Shape.With(0, 1), batch.Values[(index * length)..((index + 1) * length)]);
    }

    private static Dictionary<string, DoubleTensor> Draw(string row, int batch)
    {
        var (b, random) = (new GraphBuilder(), new Random(5));
        PerSampleRows.All[row].Build(b, batch);
        return b.Inputs.Concat(b.Parameters).ToDictionary(v => v.Name, v => DoubleTensor.From(v.Shape, _ => v.Type == ElementType.Int64
            ? random.Next(-PerSampleRows.Rows, PerSampleRows.Rows)
            : (2 * random.NextDouble()) - 1));
    }

    private static double Deviation(double[] actual, double[] expected)
    {
        Assert.Equal(expected.Length, actual.Length);
        return Norm(actual.Zip(expected, (a, e) => a - e)) / Norm(expected);
    }

    private static double Norm(IEnumerable<double> values) => Math.Sqrt(values.Sum(v => v * v));
}
