using AutoProg.Models;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runtime;

namespace AutoProg.Ort.Tests.Progressive;

public sealed class ZiCoTests
{
    [Fact]
    public void A_term_is_the_logarithm_of_the_sum_of_mean_sizes_over_deviations() =>
        // 1 and 3: mean 2, std 1. 2 and -4: mean size 3, std 3.
        Assert.Equal(Math.Log(2 + 1), Term([1, 2], [3, -4])!.Value, 1e-15);

    [Fact]
    public void Weights_that_do_not_deviate_are_left_out() => Assert.Equal(Math.Log(2), Term([1, 0.1f, 0], [3, 0.1f, 0])!.Value, 1e-15);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void A_layer_without_any_deviation_has_no_term(int batches)
    {
        var gradient = Draw(new Random(1), 40);
        Assert.Null(ZiCo.Term([.. Enumerable.Repeat(new ReadOnlyMemory<float>(gradient), batches)]));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(16, 2)]
    [InlineData(33, 3)]
    [InlineData(2065, 4)]
    public void Vectors_and_the_plain_formula_agree(int length, int batches)
    {
        var random = new Random(length);
        float[][] gradients = [.. Enumerable.Range(0, batches).Select(_ => Draw(random, length))];
        var sum = Enumerable.Range(0, length).Sum(i =>
        {
            double[] g = [.. gradients.Select(batch => (double)batch[i])];
            var mean = g.Average();
            return g.Average(Math.Abs) / Math.Sqrt(g.Average(e => (e - mean) * (e - mean)));
        });
        Assert.Equal(Math.Log(sum), Term(gradients)!.Value, 1e-12);
    }

    [Fact]
    public void A_gradient_that_is_not_a_number_makes_the_score_one_that_ranks_last()
    {
        var term = Term([1, float.NaN], [3, 4]);
        Assert.Equal(double.NaN, term);
        Assert.Equal([2, 1], RankedVoting.Rank([-ZiCo.Score(new Dictionary<string, double> { ["w"] = term!.Value }, static _ => true), 1e9]));
    }

    [Fact]
    public void Levels_are_sums_of_terms_and_layers_without_a_term_do_not_count()
    {
        var layers = TestModel.Blocks(1);
        using var arena = new ParameterArena(layers, new ArenaOptions());
        var zico = new ZiCo(layers.Where(ProxyWeights.CountsForZiCo).Select(static p => p.Name));
        foreach (var factor in (float[])[1, 3])
        {
            arena.Values(ArenaBuffer.Gradients, "head.weight").Fill(factor);
            arena.Values(ArenaBuffer.Gradients, "g0.0.fc.weight").Fill(2 * factor);
            arena.Values(ArenaBuffer.Gradients, "g0.0.out.weight").Fill(5);
            zico.AddBatch(arena);
        }

        var terms = zico.Terms();
        Assert.Equal(["g0.0.fc.weight", "head.weight"], terms.Keys.Order());
        Assert.Equal(Math.Log(2 * 15), terms["head.weight"], 1e-12);
        Assert.Equal(Math.Log(2 * 15) + Math.Log(2 * 20), ZiCo.Score(terms, static _ => true), 1e-12);
        Assert.Equal(Math.Log(2 * 15), ZiCo.Score(terms, static name => !name.StartsWith("g0.", StringComparison.Ordinal)), 1e-12);
    }

    [Fact]
    public void One_batch_is_refused()
    {
        using var arena = new ParameterArena(TestModel.Blocks(1), new ArenaOptions());
        var zico = new ZiCo(["head.weight"]);
        zico.AddBatch(arena);
        Assert.Equal("ZiCo compares mini-batches, and 1 was added; add two at least.", Assert.Throws<InvalidOperationException>(zico.Terms).Message);
    }

    [Fact]
    public void Batches_of_different_length_are_refused() => Assert.StartsWith(
        "The gradients have lengths 1, 2; expected two at least, of equal length.", Assert.Throws<ArgumentException>(() => Term([1], [2, 3])).Message, StringComparison.Ordinal);

    [Fact]
    public void Linear_layers_and_convolutions_count_and_the_kernel_counts_tables_and_norms_too()
    {
        Parameter[] parameters =
        [
            Of("x_embedder.proj.weight", [8, 3, 4, 4]), Of("x_embedder.proj.bias", [8]), Of("y_embedder.embedding_table.weight", [11, 8]),
            Of("blocks.0.norm1.weight", [8]), Of("blocks.0.attn.qkv.weight", [24, 8]), Of("pos_embed", [1, 5, 8]),
        ];
        Assert.Equal(["x_embedder.proj.weight", "blocks.0.attn.qkv.weight"], parameters.Where(ProxyWeights.CountsForZiCo).Select(static p => p.Name));
        Assert.Equal(
            ["x_embedder.proj.weight", "y_embedder.embedding_table.weight", "blocks.0.norm1.weight", "blocks.0.attn.qkv.weight"],
            parameters.Where(ProxyWeights.CountsForTangentKernel).Select(static p => p.Name));
    }

    private static Parameter Of(string name, AutoProg.Graphs.Shape shape) => new(name, shape, Initializer.Zeros, WeightDecay: false);

    private static float[] Draw(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => (float)(random.NextDouble() - 0.5))];

    private static double? Term(params float[][] batches) => ZiCo.Term([.. batches.Select(static b => new ReadOnlyMemory<float>(b))]);
}
