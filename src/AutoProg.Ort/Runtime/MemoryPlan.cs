using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Runtime;

/// <summary>How much memory sub-networks need, and how large a micro-batch may be.</summary>
/// <param name="graphs">Knows the activations.</param>
/// <param name="arenaBytes">Weights, gradients, moments and momentum networks.</param>
/// <param name="limitBytes">What a stage may use; 0 is no limit.</param>
/// <param name="requestedMicroBatch">Micro-batch that the recipe asks for; 0 takes the largest that fits.</param>
internal sealed class MemoryPlan(SubNetworkGraphs graphs, long arenaBytes, long limitBytes, int requestedMicroBatch)
{
    // ONNX Runtime's arena rounds and fragments: measured 1.10 to 1.17 times the live bytes on DeiT-S and smaller.
    private const double Fragmentation = 1.17;

    /// <summary>Memory of the weights and what follows them, in bytes.</summary>
    public long ArenaBytes => arenaBytes;

    /// <summary>Predicted peak of training a sub-network, in bytes: arena and activations.</summary>
    public long PredictedPeak(SubNetwork network, int microBatch, bool dropPath) =>
        arenaBytes + (long)(graphs.Training(network, microBatch, dropPath).Cost.ActivationBytes * Fragmentation);

    /// <summary>The largest divisor of the batch that is allowed.</summary>
    /// <param name="network">Sub-network.</param>
    /// <param name="batch">Images per update.</param>
    /// <param name="dropPath">Whether the graph has stochastic depth.</param>
    /// <exception cref="DeviceException">Not even one image at a time fits.</exception>
    public int MicroBatch(SubNetwork network, int batch, bool dropPath)
    {
        var largest = requestedMicroBatch > 0 ? Math.Min(requestedMicroBatch, batch) : batch;
        if (limitBytes == 0)
        {
            return LargestDivisor(batch, largest);
        }

        for (var size = LargestDivisor(batch, largest); ; size = LargestDivisor(batch, size - 1))
        {
            var peak = PredictedPeak(network, size, dropPath);
            if (peak <= limitBytes)
            {
                return size;
            }

            if (size == 1)
            {
                throw new DeviceException(
                    $"out of memory: {network} needs {peak >> 20} MiB for one image at a time, and runtime.memory_limit_mb is {limitBytes >> 20}. Raise the limit or use a smaller model.");
            }
        }
    }

    private static int LargestDivisor(int number, int atMost)
    {
        var divisor = Math.Max(1, atMost);
        while (number % divisor != 0)
        {
            divisor--;
        }

        return divisor;
    }
}
