using System.Diagnostics;
using System.Text.Json.Serialization;
using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Passes;
using AutoProg.Ort.Runtime;
using MathNet.Numerics.Statistics;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Training;

/// <summary>What a convolution and its gradients take; times are medians in milliseconds.</summary>
/// <param name="Layer">As <see cref="ConvLayer.Parse"/> reads it.</param>
/// <param name="ForwardMs">y from x and w.</param>
/// <param name="ImageGradientMs">dx from dy and w.</param>
/// <param name="KernelGradientMs">dw from dy and x.</param>
public sealed record ConvLayerTiming(
    string Layer,
    double ForwardMs,
    [property: JsonPropertyName("dx_ms")] double ImageGradientMs,
    [property: JsonPropertyName("dw_ms")] double KernelGradientMs)
{
    /// <summary>All three in terms of the first.</summary>
    public double Ratio => (ForwardMs + ImageGradientMs + KernelGradientMs) / ForwardMs;
}

/// <summary>Results of all layers, in the order asked for.</summary>
public sealed record ConvLayerReport(IReadOnlyList<ConvLayerTiming> Layers);

/// <summary>Measures convolutions and their gradients, each in a graph of its own; the three take turns, so that what else the machine does hits all of them.</summary>
public static class ConvLayerBenchmark
{
    /// <summary>Measures the layers one after another.</summary>
    /// <exception cref="DeviceException">The device cannot run them.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between runs.</exception>
    public static ConvLayerReport Run(IReadOnlyList<ConvLayer> layers, Device device, BenchmarkOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        return new ConvLayerReport([.. layers.Select(layer => Measure(layer, device, options, cancellationToken))]);
    }

    private static ConvLayerTiming Measure(ConvLayer layer, Device device, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        using var forward = new Part(layer, device, static (_, _, y, _) => y);
        using var image = new Part(layer, device, static (x, _, _, gradientOf) => gradientOf(x));
        using var kernel = new Part(layer, device, static (_, w, _, gradientOf) => gradientOf(w));
        Part[] parts = [forward, image, kernel];
        for (var i = -options.WarmupSteps; i < options.Steps; i++)
        {
            foreach (var part in parts)
            {
                cancellationToken.ThrowIfCancellationRequested();
                part.Run(counts: i >= 0);
            }
        }

        return new ConvLayerTiming(layer.ToString(), forward.Median, image.Median, kernel.Median);
    }

    /// <summary>One of the three results in a session of its own.</summary>
    private sealed class Part : IDisposable
    {
        private readonly InferenceSession session;
        private readonly RunOptions runOptions = new();
        private readonly List<double> milliseconds = [];
        private readonly List<OrtValue> values;
        private readonly string[] names;

        public Part(ConvLayer layer, Device device, Func<Value, Value, Value, Func<Value, Value>, Value> result)
        {
            var b = new GraphBuilder();
            var (x, w, y) = layer.Build(b);
            var dy = b.Input("dy", ElementType.Float, y.Shape);
            b.Output("result", result(x, w, y, target => Differentiator.AddGradients(b, b.ReduceSum(b.Mul(y, dy), []), [target])[target]));

            var graph = Pass.Standard(b.Build());
            session = device.Load(OnnxWriter.Write(graph, "layer"), layer.ToString());
            names = [.. graph.Inputs.Select(static input => input.Name)];
            values = [.. graph.Inputs.Select(static input => OrtValue.CreateTensorValueFromMemory(Numbers(input.Shape.ElementCount), input.Shape.ToArray()))];
        }

        public double Median => milliseconds.Median();

        public void Run(bool counts)
        {
            var started = Stopwatch.GetTimestamp();
            using var results = session.Run(runOptions, names, values, ["result"]);
            if (counts)
            {
                milliseconds.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        public void Dispose()
        {
            values.ForEach(static value => value.Dispose());
            runOptions.Dispose();
            session.Dispose();
        }

        /// <summary>From -0.5 to 0.5; what they are does not change the time, as long as none is subnormal.</summary>
        private static float[] Numbers(long count)
        {
            var numbers = new float[count];
            for (var i = 0; i < numbers.Length; i++)
            {
                numbers[i] = (i % 101 * 0.01f) - 0.5f;
            }

            return numbers;
        }
    }
}
