using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients.PerSample;

/// <summary>Whether an operator keeps samples apart and in their place: then each block of its results comes from the same blocks of its divided operands.</summary>
/// <param name="node">The operator; at least one operand is divided.</param>
/// <param name="isDivided">Tells the operands that are divided by samples; the others are shared.</param>
internal delegate bool SampleLayoutRule(Node node, Func<Value, bool> isDivided);

/// <summary>Operators through which samples can be followed, by family.</summary>
internal static class SampleLayoutRules
{
    private static readonly Dictionary<string, SampleLayoutRule> Rules = Join(
        (Aligned, [.. ElementwiseShapes.BroadcastingOperators, .. ElementwiseShapes.ComparingOperators, .. ElementwiseShapes.UnaryOperators, "Where", "Cast", "IsNaN", "IsInf", "Expand"]),
        (static (_, _) => true, ["Reshape", "Squeeze", "Unsqueeze"]), // what is contiguous stays contiguous
        (Transposed, ["Transpose"]),
        (Multiplied, ["MatMul", "FusedMatMul", "Gemm"]),
        (Gathered, ["Gather"]),
        (static (n, d) => Behind(n, d, [n.Output.Shape.Axis(n.Attributes.Int("axis", 0))]), ["Concat"]),
        (static (n, d) => Behind(n, d, [n.Input(0).Shape.Axis(n.Attributes.Int("axis", 0))]), ["Split"]),
        (static (n, d) => Behind(n, d, SliceRange.All(n).Select(r => r.Axis)), ["Slice"]),
        (static (n, d) => Behind(n, d, PaddedAxes(n)), ["Pad"]),
        (static (n, d) => Behind(n, d, ReductionShapes.Axes(n)), ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceSumSquare", "ReduceProd", "ReduceL2", "ReduceLogSumExp"]),
        (static (n, d) => Behind(n, d, [n.Input(0).Shape.Axis(n.Attributes.Int("axis", -1))]), ["Softmax", "LogSoftmax", "LayerNormalization"]),
        // Normalisation by the statistics of a batch mixes its samples.
        (static (n, d) => !n.Attributes.Flag("training_mode") && d(n.Input(0)) && Axis(n.Input(0)) == 0 && !n.Inputs.Skip(1).OfType<Value>().Any(d), ["Conv", "ConvTranspose", "AveragePool", "MaxPool", "GlobalAveragePool", "BatchNormalization"]));

    /// <summary>The rule of an operator, or null.</summary>
    public static SampleLayoutRule? Find(string op) => Rules.GetValueOrDefault(op);

    private static Dictionary<string, SampleLayoutRule> Join(params (SampleLayoutRule Rule, string[] Operators)[] families) =>
        families.SelectMany(f => f.Operators.Select(op => (op, f.Rule))).ToDictionary(StringComparer.Ordinal);

    private static int Axis(Value value) => SampleLayouts.SampleAxis(value.Shape);

    private static int AxisFromBack(Value value) => value.Shape.Rank - Axis(value);

    /// <summary>True if the sample axis of an operand, counted from the back as broadcasting does, is the result's, and as long.</summary>
    private static bool InPlace(Value operand, Value result) =>
        AxisFromBack(operand) is var axis && axis == AxisFromBack(result) && operand.Shape.Rank > 0 && operand.Shape[-axis] == result.Shape[-axis];

    private static bool Aligned(Node node, Func<Value, bool> isDivided) => node.Inputs.OfType<Value>().Where(isDivided).All(x => InPlace(x, node.Output));

    /// <summary>The sample axis is still in front.</summary>
    private static bool Transposed(Node node, Func<Value, bool> isDivided)
    {
        var x = node.Input(0);
        return Array.Find(LayoutShapes.Permutation(node), axis => x.Shape[(int)axis] != 1) == Axis(x);
    }

    /// <summary>Samples lie along axes that stack matrices, or in the rows of the left one; what is summed over is inside a sample.</summary>
    private static bool Multiplied(Node node, Func<Value, bool> isDivided)
    {
        var (left, right) = (node.Input(0), node.Input(1));
        return (!isDivided(left) || (InPlace(left, node.Output) && AxisFromBack(left) >= (node.Attributes.Flag("transA") ? 3 : 2)))
            && (!isDivided(right) || (InPlace(right, node.Output) && AxisFromBack(right) >= 3))
            && (node.OptionalInput(2) is not { } added || !isDivided(added) || InPlace(added, node.Output));
    }

    /// <summary>Samples that pick from a shared table, or a shared choice inside each sample.</summary>
    private static bool Gathered(Node node, Func<Value, bool> isDivided)
    {
        var (data, indices) = (node.Input(0), node.Input(1));
        var axis = data.Shape.Axis(node.Attributes.Int("axis", 0));
        return isDivided(data) ? !isDivided(indices) && axis > Axis(data) : axis == 0;
    }

    private static IEnumerable<int> PaddedAxes(Node node)
    {
        var amounts = PadAmounts.Of(node);
        return Enumerable.Range(0, amounts.Before.Length).Where(i => amounts.Before[i] != 0 || amounts.After[i] != 0);
    }

    /// <summary>The axes along which the operator works lie behind the sample axis.</summary>
    private static bool Behind(Node node, Func<Value, bool> isDivided, IEnumerable<int> axes)
    {
        var divided = node.Inputs.OfType<Value>().Where(isDivided).ToList();
        var front = divided.Max(Axis);
        return divided.TrueForAll(x => Axis(x) == front && x.Shape.Rank == divided[0].Shape.Rank) && axes.All(axis => axis > front)
            && (isDivided(node.Input(0)) || node.Operator == "Concat");
    }
}
