using System.IO.Hashing;
using System.Runtime.ExceptionServices;
using System.Text;
using AutoProg.Graphs.Import;
using AutoProg.Models;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Runtime;

/// <summary>
/// Draws fresh weights. Each parameter has a random stream of its own, keyed by its name, so its values depend neither on other parameters nor on the number of threads.
/// </summary>
internal static class ParameterInitialization
{
    // timm's trunc_normal_ cuts off at these absolute values.
    private const double TruncationBound = 2;

    /// <summary>Draws all weights.</summary>
    /// <exception cref="OnnxFormatException">Weights that a model file stores cannot be read.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An initialiser has a negative or non-finite width, or a truncated normal one above 2.</exception>
    public static void Fill(ParameterArena arena, long seed)
    {
        ArgumentNullException.ThrowIfNull(arena);
        Fill(arena, arena.Layout.Slots, seed, RandomPurpose.Weights, stage: 0);
    }

    /// <summary>Draws the weights of a block that growth adds; other stages draw other values.</summary>
    /// <exception cref="ArgumentException">The arena has no such block.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An initialiser has a negative or non-finite width, or a truncated normal one above 2.</exception>
    public static void FillGrown(ParameterArena arena, BlockAddress block, long seed, int stage)
    {
        ArgumentNullException.ThrowIfNull(arena);
        Fill(arena, arena.Layout.SlotsOf(block), seed, RandomPurpose.Growth, stage);
    }

    private static void Fill(ParameterArena arena, IReadOnlyList<ArenaSlot> slots, long seed, RandomPurpose purpose, int stage)
    {
        foreach (var slot in slots)
            Check(slot.Parameter);

        var weights = arena.Weights;
        try
        {
            Parallel.ForEach(slots, slot => weights.Fill(slot.Offset, slot.Length, values =>
            {
                var random = new CounterRandom(seed, purpose, stage, StreamOf(slot.Name));
                Draw(slot.Parameter.Initializer, ref random, values);
            }));
        }
        catch (AggregateException errors)
        {
            // A file whose elements cannot be read fails for each of its tensors.
            ExceptionDispatchInfo.Throw(errors.InnerExceptions[0]);
        }
    }

    // Part of what a seed means: a changed hash would change every run.
    private static long StreamOf(string name) => (long)XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(name));

    private static void Draw(Initializer initializer, ref CounterRandom random, Span<float> values)
    {
        switch (initializer)
        {
            case Initializer.Constant constant:
                values.Fill((float)constant.Value);
                break;
            case Initializer.Uniform uniform:
                foreach (ref var value in values)
                    value = (float)random.Uniform(-uniform.Bound, uniform.Bound);
                break;
            case Initializer.Normal normal:
                foreach (ref var value in values)
                    value = (float)(random.NextNormal() * normal.StandardDeviation);
                break;
            case Initializer.TruncatedNormal normal:
                foreach (ref var value in values)
                    value = (float)Truncated(ref random, normal.StandardDeviation);
                break;
            case Initializer.Stored stored:
                stored.Read().Floats().CopyTo(values);
                break;
        }
    }

    private static double Truncated(ref CounterRandom random, double standardDeviation)
    {
        while (true)
        {
            var value = random.NextNormal() * standardDeviation;
            if (Math.Abs(value) <= TruncationBound)
                return value;
        }
    }

    private static void Check(Parameter parameter)
    {
        var (width, limit) = parameter.Initializer switch
        {
            Initializer.Constant or Initializer.Stored => (0, double.MaxValue),
            Initializer.Uniform uniform => (uniform.Bound, double.MaxValue),
            Initializer.Normal normal => (normal.StandardDeviation, double.MaxValue),
            Initializer.TruncatedNormal normal => (normal.StandardDeviation, TruncationBound),
            _ => throw new ArgumentException($"'{parameter.Name}' asks for an initialiser of type {parameter.Initializer.GetType().Name}, which has no rule; add it to {nameof(ParameterInitialization)}.", nameof(parameter)),
        };
        if (!(width >= 0 && width <= limit))
            throw new ArgumentOutOfRangeException(nameof(parameter), width, $"'{parameter.Name}' has an initialiser of width {width}; it must lie in [0, {(limit < double.MaxValue ? limit : "infinity")}{(limit < double.MaxValue ? "]" : ")")}.");
    }
}
