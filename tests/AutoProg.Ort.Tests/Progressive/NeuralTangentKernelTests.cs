using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Tests.Progressive;

public sealed class NeuralTangentKernelTests
{
    // Eigenvalues 1 and 3; with the share of b they are 2 and 5, as [1, 1] and [1, -1] stay eigenvectors.
    private static readonly NeuralTangentKernel Kernel = Of(("a.weight", [2, 1, 1, 2]), ("b.weight", [1.5f, 0.5f, 0.5f, 1.5f]));

    [Fact]
    public void The_kernel_of_a_level_is_the_sum_over_its_parameters()
    {
        Assert.Equal([2.0, 1, 1, 2], Kernel.Matrix(static name => name == "a.weight"));
        Assert.Equal([3.5, 1.5, 1.5, 3.5], Kernel.Matrix(static _ => true));
    }

    [Fact]
    public void Kappa_is_the_largest_eigenvalue_over_the_smallest()
    {
        Assert.Equal(3, Kernel.ConditionNumber(static name => name == "a.weight"), 1e-12);
        Assert.Equal(2.5, Kernel.ConditionNumber(static _ => true), 1e-12);
        Assert.Equal([2.0, 5], Kernel.Eigenvalues(static _ => true).Select(static e => Math.Round(e, 12)));
    }

    [Fact]
    public void Kappa_is_averaged_over_batches() =>
        Assert.Equal((3 + 1) / 2.0, NeuralTangentKernel.MeanConditionNumber([Of(("w", [2, 1, 1, 2])), Of(("w", [4, 0, 0, 4]))], static _ => true), 1e-12);

    public static TheoryData<string, float[]> Singular => new()
    {
        { "two samples have the same gradient", [1, 1, 1, 1] },
        { "the smallest eigenvalue is rounding", [1, 1, 1, 1 + 2e-7f] },
        { "rounding makes it negative", [1, 1, 1, 1 - 1e-7f] },
        { "nothing has a gradient", [0, 0, 0, 0] },
        { "the network has diverged", [1, 0, 0, float.NaN] },
        { "the network has overflown", [1, 0, 0, float.PositiveInfinity] },
    };

    [Theory]
    [MemberData(nameof(Singular))]
    public void A_singular_kernel_is_infinitely_bad_and_ranks_last(string reason, float[] gram)
    {
        Assert.NotEmpty(reason);
        var kappa = Of(("w", gram)).ConditionNumber(static _ => true);
        Assert.Equal(double.PositiveInfinity, kappa);
        Assert.Equal(double.PositiveInfinity, NeuralTangentKernel.MeanConditionNumber([Of(("w", gram)), Of(("w", [1, 0, 0, 1]))], static _ => true));
        Assert.Equal([2, 1], RankedVoting.Rank([kappa, 1e9]));
    }

    [Fact]
    public void A_badly_conditioned_kernel_is_not_yet_singular() =>
        Assert.Equal(1e5, Of(("w", [1e5f, 0, 0, 1])).ConditionNumber(static _ => true), 1e-6);

    [Fact]
    public void A_level_without_parameters_is_refused() => Assert.StartsWith(
        "None of the 2 parameters of the kernel is learnable; expected one at least.",
        Assert.Throws<ArgumentException>(() => Kernel.ConditionNumber(static _ => false)).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Shares_that_are_no_squares_of_one_size_are_refused() => Assert.StartsWith(
        "The Gram matrices have 4 (a), 9 (b) elements; expected B x B in each, and at least one.",
        Assert.Throws<ArgumentException>(() => Of(("a", new float[4]), ("b", new float[9]))).Message,
        StringComparison.Ordinal);

    private static NeuralTangentKernel Of(params (string Name, float[] Gram)[] shares) => new(shares.ToDictionary(static s => s.Name, static s => s.Gram));
}
