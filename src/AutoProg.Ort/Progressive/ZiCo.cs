using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Progressive;

/// <summary>
/// The inverse coefficient of variation of gradients over mini-batches b (eq. 17; Li et al., ZiCo, ICLR 2023), kept in the terms of the layers:
/// sum over layers of log sum over weights w of mean_b |g_b(w)| / std_b g_b(w). One pass per mini-batch with everything learnable thus serves all unfreeze levels.
/// Larger is better.
/// </summary>
internal sealed class ZiCo
{
#if DEBUG
    private const int VectorsPerBlock = 2; // so that tests cross the edges
#else
    private const int VectorsPerBlock = 64;
#endif

    private readonly Dictionary<string, List<ReadOnlyMemory<float>>> gradients;

    /// <summary>Takes no batch yet.</summary>
    /// <param name="layers">Weights of the layers; see <see cref="ProxyWeights.CountsForZiCo"/>.</param>
    public ZiCo(IEnumerable<string> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        gradients = layers.ToDictionary(static layer => layer, static _ => new List<ReadOnlyMemory<float>>(), StringComparer.Ordinal);
    }

    /// <summary>The weights of the layers.</summary>
    public IReadOnlyCollection<string> Layers => gradients.Keys;

    /// <summary>Copies the gradients of the mean loss on a mini-batch; two batches at least are needed.</summary>
    /// <param name="arena">Holds gradients of all layers.</param>
    /// <exception cref="ArgumentException">The arena lacks a layer, or keeps no gradients.</exception>
    public void AddBatch(ParameterArena arena)
    {
        ArgumentNullException.ThrowIfNull(arena);
        foreach (var (layer, batches) in gradients)
        {
            batches.Add(arena.Read(ArenaBuffer.Gradients, layer).ToArray());
        }
    }

    /// <summary>The term of every layer; layers whose sum is 0 are left out.</summary>
    /// <exception cref="InvalidOperationException">Fewer than two batches were added.</exception>
    public IReadOnlyDictionary<string, double> Terms()
    {
        if (gradients.Values.FirstOrDefault(static batches => batches.Count < 2) is { } few)
        {
            throw new InvalidOperationException($"ZiCo compares mini-batches, and {few.Count} was added; add two at least.");
        }

        return gradients
            .Select(static layer => (layer.Key, Term: Term(layer.Value)))
            .Where(static layer => layer.Term is not null)
            .ToDictionary(static layer => layer.Key, static layer => layer.Term!.Value, StringComparer.Ordinal);
    }

    /// <summary>Eq. 17 for what is learnable.</summary>
    /// <param name="terms">Of <see cref="Terms"/>.</param>
    /// <param name="learnable">Which weights count.</param>
    /// <returns>NaN, which ranks last, if a gradient was not finite.</returns>
    public static double Score(IReadOnlyDictionary<string, double> terms, Func<string, bool> learnable)
    {
        ArgumentNullException.ThrowIfNull(terms);
        return terms.Where(term => learnable(term.Key)).Sum(static term => term.Value);
    }

    /// <summary>log sum over w of mean_b |g_b(w)| / std_b g_b(w), with the population's standard deviation, in double precision. Weights whose std is exactly 0 are left out.</summary>
    /// <param name="batches">The gradient of one layer per mini-batch, two at least, of equal length.</param>
    /// <returns>Null if the sum is 0: no weight is left.</returns>
    /// <exception cref="ArgumentException">There are fewer than two batches, or their lengths differ.</exception>
    public static double? Term(IReadOnlyList<ReadOnlyMemory<float>> batches)
    {
        ArgumentNullException.ThrowIfNull(batches);
        if (batches.Count < 2 || batches.Any(batch => batch.Length != batches[0].Length))
        {
            throw new ArgumentException($"The gradients have lengths {string.Join(", ", batches.Select(static b => b.Length))}; expected two at least, of equal length.", nameof(batches));
        }

        var sum = 0.0;
        for (var start = 0; start < batches[0].Length; start += VectorsPerBlock * Vector512<double>.Count)
        {
            sum += SumOfRatios(batches, start);
        }

        return sum == 0 ? null : Math.Log(sum);
    }

    private static double SumOfRatios(IReadOnlyList<ReadOnlyMemory<float>> batches, int start)
    {
        Span<Vector512<double>> gradient = stackalloc Vector512<double>[VectorsPerBlock];
        Span<Vector512<double>> mean = stackalloc Vector512<double>[VectorsPerBlock];
        Span<Vector512<double>> size = stackalloc Vector512<double>[VectorsPerBlock];
        Span<Vector512<double>> variance = stackalloc Vector512<double>[VectorsPerBlock];
        mean.Clear();
        size.Clear();
        variance.Clear();
        foreach (var batch in batches)
        {
            Load(batch.Span, start, gradient);
            for (var i = 0; i < gradient.Length; i++)
            {
                mean[i] += gradient[i];
                size[i] += Vector512.Abs(gradient[i]);
            }
        }

        // After the sum, which is exact for equal gradients: their deviation must come out as exactly 0.
        for (var i = 0; i < mean.Length; i++)
        {
            (mean[i], size[i]) = (mean[i] / batches.Count, size[i] / batches.Count);
        }

        foreach (var batch in batches)
        {
            Load(batch.Span, start, gradient);
            for (var i = 0; i < gradient.Length; i++)
            {
                var difference = gradient[i] - mean[i];
                variance[i] += difference * difference;
            }
        }

        var sum = Vector512<double>.Zero;
        for (var i = 0; i < size.Length; i++)
        {
            var deviation = Vector512.Sqrt(variance[i] / batches.Count);
            sum += Vector512.ConditionalSelect(Vector512.Equals(deviation, Vector512<double>.Zero), Vector512<double>.Zero, size[i] / deviation);
        }

        return Vector512.Sum(sum);
    }

    /// <summary>A block in double precision. What lies behind the end is 0 in every batch, and so left out.</summary>
    private static void Load(ReadOnlySpan<float> batch, int start, Span<Vector512<double>> block)
    {
        Span<Vector512<float>> narrow = stackalloc Vector512<float>[VectorsPerBlock / 2];
        narrow.Clear();
        var elements = MemoryMarshal.Cast<Vector512<float>, float>(narrow);
        batch.Slice(start, Math.Min(elements.Length, batch.Length - start)).CopyTo(elements);
        for (var i = 0; i < narrow.Length; i++)
        {
            (block[2 * i], block[(2 * i) + 1]) = Vector512.Widen(narrow[i]);
        }
    }
}
