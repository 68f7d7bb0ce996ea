namespace AutoProg.Ort.Randomness;

/// <summary>
/// A stream of random numbers that is a pure function of its key (seed, purpose, epoch, index): Philox4x32-10 (Salmon et al., SC 2011).
/// Draws of one key never depend on what other keys have drawn, so work may be split over threads and resumed anywhere.
/// </summary>
public struct CounterRandom
{
    private readonly uint key0, key1, epoch, index, purpose;
    private uint block;
    private int used;
    private uint r0, r1, r2, r3;

    /// <summary>Starts the stream of a key.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="purpose">What the numbers are for; streams of different purposes are independent.</param>
    /// <param name="epoch">Epoch, or another coarse position; 0 where there is none.</param>
    /// <param name="index">Sample, step or element.</param>
    public CounterRandom(long seed, RandomPurpose purpose, int epoch = 0, long index = 0)
    {
        key0 = (uint)seed;
        key1 = (uint)(seed >> 32) ^ ((uint)(index >> 32) * 0x9E3779B9u);
        this.epoch = (uint)epoch;
        this.index = (uint)index;
        this.purpose = (uint)purpose;
        used = 4;
    }

    /// <summary>Uniform over all 32-bit values.</summary>
    public uint NextUInt32()
    {
        if (used == 4)
        {
            (r0, r1, r2, r3) = Philox(block++, index, epoch, purpose, key0, key1);
            used = 0;
        }

        return used++ switch { 0 => r0, 1 => r1, 2 => r2, _ => r3 };
    }

    /// <summary>Uniform in [0, 1), 53 bits.</summary>
    public double NextDouble() => (((ulong)NextUInt32() << 21) ^ (NextUInt32() >> 11)) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double Uniform(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>Uniform integer in [0, bound).</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is not positive.</exception>
    public int NextInt(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bound);
        return (int)(((ulong)NextUInt32() * (ulong)bound) >> 32);
    }

    /// <summary>True with probability <paramref name="probability"/>.</summary>
    public bool NextBool(double probability) => NextDouble() < probability;

    /// <summary>Standard normal (Box-Muller; the second value of a pair is not kept, so a draw costs a fixed number of words).</summary>
    public double NextNormal()
    {
        var radius = Math.Sqrt(-2.0 * Math.Log(1.0 - NextDouble()));
        return radius * Math.Cos(2.0 * Math.PI * NextDouble());
    }

    /// <summary>A permutation of 0..count-1 (Fisher-Yates).</summary>
    public int[] Permutation(int count)
    {
        var order = new int[count];
        for (var i = 0; i < count; i++)
        {
            var j = NextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }

        return order;
    }

    /// <summary>Ten rounds over the counter (c0..c3) under the key (k0, k1).</summary>
    internal static (uint R0, uint R1, uint R2, uint R3) Philox(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (var round = 0; round < 10; round++)
        {
            var high0 = Math.BigMul(0xD2511F53u, c0);
            var high1 = Math.BigMul(0xCD9E8D57u, c2);
            (c0, c1, c2, c3) = ((uint)(high1 >> 32) ^ c1 ^ k0, (uint)high1, (uint)(high0 >> 32) ^ c3 ^ k1, (uint)high0);
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }

        return (c0, c1, c2, c3);
    }
}

/// <summary>What a stream of random numbers is for. The values are part of the file format: a resumed run must draw the same.</summary>
public enum RandomPurpose
{
    /// <summary>Initial weights; index = parameter.</summary>
    Weights = 1,

    /// <summary>Order of the training images.</summary>
    Order = 2,

    /// <summary>Augmentation of one sample; index = position in the epoch.</summary>
    Augmentation = 3,

    /// <summary>Mixup and CutMix of one batch; index = batch.</summary>
    Mixing = 4,

    /// <summary>Drop-path masks of one batch; index = batch.</summary>
    DropPath = 5,

    /// <summary>Which candidate a supernet step trains; index = step.</summary>
    Candidate = 6,

    /// <summary>Which images a subset holds.</summary>
    Subset = 7,

    /// <summary>Built-in data; index = sample.</summary>
    BuiltinData = 8,

    /// <summary>Augmentation of the images on which candidates are compared; index = position in the subset.</summary>
    SearchAugmentation = 9,

    /// <summary>Fresh weights of grown blocks; epoch = stage, index = parameter.</summary>
    Growth = 10,

    /// <summary>Timesteps, noise and dropped conditions of a diffusion model's batch; index = batch.</summary>
    Diffusion = 11,

    /// <summary>The same for evaluation.</summary>
    DiffusionEvaluation = 12,

    /// <summary>The box of MixToken of one batch; index = batch.</summary>
    MixToken = 13,

    /// <summary>The noise that sampling starts from; index = sample.</summary>
    SamplingStart = 20,

    /// <summary>The noise that a step of sampling adds; epoch = step, index = sample.</summary>
    SamplingStep = 21,
}
