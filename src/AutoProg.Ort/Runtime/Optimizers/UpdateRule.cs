using System.Globalization;
using AutoProg.Graphs;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>How gradients become new weights.</summary>
internal abstract record UpdateRule
{
    private protected UpdateRule(double weightDecay)
    {
        CheckRange(weightDecay >= 0 && double.IsFinite(weightDecay), nameof(weightDecay), weightDecay, "[0, infinity)");
        WeightDecay = weightDecay;
    }

    /// <summary>Weight decay of the ranges that are decayed.</summary>
    public double WeightDecay { get; }

    /// <summary>State buffers that the rule needs, 1 or 2.</summary>
    public abstract int MomentCount { get; }

    /// <summary>The rule of a recipe.</summary>
    /// <exception cref="ArgumentException">A setting is outside its range.</exception>
    public static UpdateRule Of(OptimizerRecipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return recipe.Name switch
        {
            OptimizerKind.Adamw when recipe.Betas.Count != 2 => throw new ArgumentException($"optimizer.betas has {recipe.Betas.Count} values; AdamW needs two, such as [0.9, 0.999].", nameof(recipe)),
            OptimizerKind.Adamw => new AdamW(recipe.WeightDecay, recipe.Betas[0], recipe.Betas[1], recipe.Eps),
            OptimizerKind.Sgd => new Sgd(recipe.WeightDecay, recipe.Momentum, nesterov: true),
            OptimizerKind.Momentum => new Sgd(recipe.WeightDecay, recipe.Momentum, nesterov: false),
            _ => throw new ArgumentException($"optimizer.name {recipe.Name} has no update rule; use adamw, sgd or momentum.", nameof(recipe)),
        };
    }

    /// <summary>The rule with everything that is constant over a range worked out.</summary>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <param name="gradientScale">Factor on every gradient: clipping, 1 / micro-batches, 1 / loss scale.</param>
    /// <param name="decayed">Whether weight decay applies.</param>
    /// <param name="step">This update's number since the moments were zero, from 1.</param>
    public abstract IUpdateKernel At(double learningRate, double gradientScale, bool decayed, long step);

    /// <summary>What <see cref="At"/> works out, as the scalars that <see cref="Express"/> takes: always as many, in the same order.</summary>
    internal abstract float[] Scalars(double learningRate, double gradientScale, bool decayed, long step);

    /// <summary>The update as a graph: the same maths as the kernel's, without fused multiply-adds.</summary>
    /// <param name="b">Where the graph grows.</param>
    /// <param name="old">Weights and moments, flat.</param>
    /// <param name="gradients">As many.</param>
    /// <param name="scalars">One element each.</param>
    /// <returns>What takes the place of <paramref name="old"/>.</returns>
    internal abstract RangeState Express(GraphBuilder b, RangeState old, Value gradients, IReadOnlyList<Value> scalars);

    private protected static void CheckRange(bool within, string name, double value, string range)
    {
        if (!within)
            throw new ArgumentOutOfRangeException(name, value, string.Create(CultureInfo.InvariantCulture, $"{name} {value} is outside {range}."));
    }
}

/// <summary>What an update changes, as values of a graph over a flat range.</summary>
/// <param name="Weights">w.</param>
/// <param name="First">The first moment.</param>
/// <param name="Second">The second moment, for rules that have one.</param>
internal sealed record RangeState(Value Weights, Value First, Value? Second);

/// <summary>
/// An update of a range. Results depend neither on the vector width of the machine nor on how a range is cut: the vector loop and its scalar tail
/// take the same fused multiply-adds and roundings per element. Zeros stay zero where the gradient is zero.
/// </summary>
internal interface IUpdateKernel
{
    /// <summary>Updates weights and moments from the gradients; all spans are of one length, moments that the rule does not have are empty.</summary>
    void Apply(Span<float> weights, ReadOnlySpan<float> gradients, Span<float> first, Span<float> second);
}
