using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>A loaded graph of <see cref="UpdateGraphs"/>, to be run over any range of its length.</summary>
internal sealed class RangeSession : BoundSession
{
    private readonly List<string> ranges = [];
    private readonly List<string> replaced = [];
    private readonly Shape shape;

    /// <summary>Loads a graph.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="graph">Of <see cref="UpdateGraphs"/>.</param>
    /// <param name="length">Elements of its ranges.</param>
    public RangeSession(Device device, Graph graph, int length)
        : base(device, OnnxWriter.Write(graph, "update"), "update", threads: device.CudaDevice is null ? device.Threads : 1)
    {
        shape = [length];
        foreach (var input in graph.Inputs)
        {
            if (input.Name == UpdateGraphs.ScalarInput)
                FeedFromHost(Entry(input.Name, input));
            else
                ranges.Add(input.Name);
        }

        foreach (var output in graph.Outputs)
        {
            if (output.Name.StartsWith(UpdateGraphs.ResultPrefix, StringComparison.Ordinal))
                replaced.Add(output.Name);
            else
                ReturnToHost(Entry(output.Name, output.Value));
        }
    }

    /// <summary>A result on the host.</summary>
    public double Double(string name) => Tensor<double>(name)[0];

    /// <summary>Computes over the elements from an offset on.</summary>
    /// <param name="bufferOf">Memory of an input by its name; the result of that name goes there too.</param>
    /// <param name="offset">First element.</param>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public void Run(Func<string, FlatBuffer> bufferOf, long offset)
    {
        var views = new Dictionary<string, OrtValue>(StringComparer.Ordinal);
        try
        {
            foreach (var name in ranges)
            {
                views.Add(name, bufferOf(name).View(offset, shape));
                BindInput(name, views[name]);
            }

            foreach (var name in replaced)
                BindOutput(name, views[name[UpdateGraphs.ResultPrefix.Length..]]);

            RunOnce();
        }
        finally
        {
            foreach (var view in views.Values)
                view.Dispose();
        }
    }

    private static TensorEntry Entry(string name, Value value) => new(name, value.Type.ToString(), value.Shape.ToArray());
}
