using AutoProg.Models;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Runtime;

/// <summary>A model's parameters without a model: an embedding, blocks of weight, norm and bias, and a head, in the order in which a model would declare them.</summary>
internal static class TestModel
{
    public static IReadOnlyList<Parameter> Blocks(params int[] depths) =>
    [
        new("embed.weight", [5, 7], new Initializer.TruncatedNormal(0.02), WeightDecay: true),
        new("token", [1, 1, 5], new Initializer.Normal(0.02), WeightDecay: false),
        .. depths.SelectMany((depth, group) => Enumerable.Range(0, depth).SelectMany(index => Block(group, index))),
        new("head.weight", [3, 5], new Initializer.Uniform(0.1), WeightDecay: true),
        new("head.bias", [3], Initializer.Zeros, WeightDecay: false),
    ];

    /// <summary>The same with running statistics outside the blocks and, of another momentum, in every block.</summary>
    public static IReadOnlyList<Parameter> Normed(params int[] depths) =>
    [
        new("stem.running_mean", [5], Initializer.Zeros, WeightDecay: false, Running: new RunningStatistic(0.25)),
        .. Blocks(depths),
        .. depths.SelectMany((depth, group) => Enumerable.Range(0, depth).Select(index => new Parameter(
            $"g{group}.{index}.norm.running_var", [5], Initializer.Ones, WeightDecay: false, new BlockAddress(group, index), new RunningStatistic(0.1)))),
    ];

    public static BlockAddress[] Addresses(int group, params int[] indices) => [.. indices.Select(index => new BlockAddress(group, index))];

    /// <summary>Gives every element of a buffer that belongs to a parameter a value of its own.</summary>
    public static void Number(ParameterArena arena, ArenaBuffer buffer, float from = 0)
    {
        foreach (var slot in arena.Layout.Slots)
        {
            foreach (ref var value in arena.Values(buffer, slot.Name))
                value = from++;
        }
    }

    // Groups differ in width, as VOLO's outlookers and transformers do.
    private static IEnumerable<Parameter> Block(int group, int index)
    {
        var block = new BlockAddress(group, index);
        yield return new($"g{group}.{index}.norm.weight", [5], Initializer.Ones, WeightDecay: false, block);
        yield return new($"g{group}.{index}.fc.weight", [group + 4, 5], new Initializer.TruncatedNormal(0.02), WeightDecay: true, block);
        yield return new($"g{group}.{index}.fc.bias", [group + 4], Initializer.Zeros, WeightDecay: false, block);
        yield return new($"g{group}.{index}.out.weight", [5, group + 4], new Initializer.TruncatedNormal(0.02), WeightDecay: true, block);
    }
}
