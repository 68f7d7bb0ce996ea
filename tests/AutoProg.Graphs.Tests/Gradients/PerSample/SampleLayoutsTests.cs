using AutoProg.Graphs.Gradients.PerSample;

namespace AutoProg.Graphs.Tests.Gradients.PerSample;

public sealed class SampleLayoutsTests
{
    private const string Cure = "Give a value [4, ...] that is computed for each sample on its own.";

    [Fact]
    public void Samples_that_meet_are_named_by_the_operator() => AssertRefused(
        (b, x) => b.MatMul(b.Sub(x, b.ReduceMean(x, [0], keepDims: true)), b.Parameter("w", [4, 2])),
        $"'MatMul:out' has no per-sample gradients for a batch of 4: node 'ReduceMean' (ReduceMean) brings samples together or moves them out of the rows. {Cure}");

    [Fact]
    public void Sizes_that_happen_to_fit_are_not_taken_for_samples() => AssertRefused(
        (b, x) => b.Mul(b.Transpose(x, 1, 0), b.Parameter("w", [4])),
        $"'Mul:out' has no per-sample gradients for a batch of 4: node 'Transpose' (Transpose) brings samples together or moves them out of the rows. {Cure}");

    [Fact]
    public void Samples_that_are_multiplied_with_each_other_are_named() => AssertRefused(
        (b, x) => b.Mul(b.FusedMatMul(x, x, transB: true), b.Parameter("w", [4])),
        $"'Mul:out' has no per-sample gradients for a batch of 4: node 'FusedMatMul' (FusedMatMul) brings samples together or moves them out of the rows. {Cure}");

    [Fact]
    public void Samples_that_broadcasting_shifts_are_named() => AssertRefused(
        (b, x) => b.Add(b.Parameter("w", [4, 4]), b.ReduceSum(x, [1])),
        $"'Add:out' has no per-sample gradients for a batch of 4: node 'Add' (Add) brings samples together or moves them out of the rows. {Cure}");

    [Fact]
    public void Samples_along_two_axes_are_named() => AssertRefused(
        (b, x) => b.Reshape(b.Reshape(b.Mul(x, b.Parameter("w", [4])), [2, 8]), [4, 4]),
        $"'Reshape_2:out' has no per-sample gradients for a batch of 4: node 'Reshape' (Reshape) spreads the samples over several axes of [2, 8]. {Cure}");

    [Fact]
    public void An_input_without_a_sample_per_row_is_named() => AssertRefused(
        (b, x) => b.Mul(b.Mul(x, b.Parameter("w", [4])), b.Input("drop_path", ElementType.Float, [1, 4])),
        $"'Mul_2:out' has no per-sample gradients for a batch of 4: input 'drop_path' [1, 4] does not hold a sample per row. {Cure}");

    [Fact]
    public void An_operator_that_is_not_known_is_named() => AssertRefused(
        (b, x) => b.Mul(b.Tile(x, 1, 1), b.Parameter("w", [4])),
        $"'Mul:out' has no per-sample gradients for a batch of 4: node 'Tile' (Tile) is an operator through which samples are not followed. {Cure}");

    [Fact]
    public void An_output_without_samples_is_refused() => AssertRefused(
        (b, _) => b.Exp(b.Parameter("w", [4])),
        "'Exp:out' depends on no sample, so it has no per-sample gradients; give a value that is computed from inputs [4, ...].");

    [Fact]
    public void A_scalar_is_refused() => AssertRefused(
        (b, x) => b.ReduceSum(b.Mul(x, b.Parameter("w", [4])), []),
        "'ReduceSum:out' is a scalar; [B, ...] is needed, a row per sample.");

    [Fact]
    public void A_parameter_that_does_not_influence_the_output_is_named() => AssertRefused(
        (b, x) =>
        {
            b.Parameter("unused", [4]);
            return b.Mul(x, b.Parameter("w", [4]));
        },
        "'unused' does not influence 'Mul:out'. Leave it out, or use it in the model.");

    [Fact]
    public void An_operand_without_a_rule_is_named() => AssertRefused(
        (b, x) => b.ConvTranspose(b.Reshape(x, [4, 4, 1, 1]), b.Parameter("w", [4, 1, 2, 2])),
        "No per-sample gradient rule for operand 1 ('w' [4, 1, 2, 2]) of 'ConvTranspose' (node 'ConvTranspose'). Add it to PerSampleRules.cs, or leave the parameter out.");

    [Fact]
    public void A_statistic_that_is_read_is_named() => AssertRefused(
        (b, x) =>
        {
            var norm = b.LayerNormalization(x, b.Parameter("w", [4]), null, 1e-5f);
            return b.Mul(norm, norm.Producer!.Outputs[1]);
        },
        "node 'LayerNormalization' (LayerNormalization): its output 'LayerNormalization:1' influences the samples; per-sample gradients are known for its first output alone.");

    private static void AssertRefused(Func<GraphBuilder, Value, Value> build, string message)
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, [4, 4]);
        var output = build(b, x);
        Assert.Equal(message, Assert.Throws<GraphException>(() => PerSampleGradients.AddGrams(b, output, b.Parameters)).Message);
    }
}
