using System.Numerics.Tensors;
using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Progressive;

/// <summary>
/// Measures tangent kernels of one sub-network: of a whole batch in one run where its graph keeps samples apart (<see cref="GraphPurpose.TangentKernel"/>), otherwise from the gradients
/// of one sample after the other (<see cref="GraphPurpose.SampleGradients"/>). Both give the same kernel.
/// </summary>
internal sealed class KernelMeasurement : IDisposable
{
    // 256 MiB: gradients of all samples are needed at once, so what does not fit takes another pass over them.
    private const long ElementsAtOnce = 1 << 26;

    private readonly EvalSession session;
    private readonly GraphManifest manifest;
    private readonly int batch;
    private readonly long elementsAtOnce;
    private readonly bool isWhole;

    /// <summary>Loads the graph.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="graphs">Where it comes from.</param>
    /// <param name="network">What is measured.</param>
    /// <param name="batch">Samples of a kernel.</param>
    /// <param name="elementsAtOnce">Elements of gradients that are kept between runs.</param>
    public KernelMeasurement(Device device, SubNetworkGraphs graphs, SubNetwork network, int batch, long elementsAtOnce = ElementsAtOnce)
    {
        var (purpose, rows) = graphs.KernelGraph(batch);
        var artifact = graphs.Get(network, rows, purpose);
        (manifest, this.batch, this.elementsAtOnce, isWhole) = (artifact.Manifest, batch, elementsAtOnce, purpose == GraphPurpose.TangentKernel);
        session = new EvalSession(device, artifact.Model, manifest);
    }

    /// <inheritdoc cref="EvalSession.Bind"/>
    public void Bind(Func<string, OrtValue> weight) => session.Bind(weight);

    /// <summary>The kernel of a batch.</summary>
    /// <param name="inputs">What the graph is fed, and perhaps more.</param>
    public NeuralTangentKernel Measure(IEnumerable<FedTensor> inputs)
    {
        var fed = inputs.Where(input => session.Has(input.Name)).ToList();
        if (!isWhole)
        {
            return new NeuralTangentKernel(Groups().SelectMany(group => Grams(group, fed)).ToDictionary(StringComparer.Ordinal));
        }

        Run(fed, 0, batch);
        return NeuralTangentKernel.Of(session, manifest);
    }

    public void Dispose() => session.Dispose();

    private void Run(List<FedTensor> inputs, int first, int count)
    {
        foreach (var input in inputs)
        {
            input.Feed(session, batch, first, count);
        }

        session.Run();
    }

    /// <summary>Parameters of which every sample's gradient fits into memory; one that is too large is a group of its own.</summary>
    private List<List<string>> Groups()
    {
        var groups = new List<List<string>>();
        var room = 0L;
        foreach (var (parameter, output) in manifest.Gradients)
        {
            var elements = (long)batch * session.Tensor(output).Length;
            if (elements > room)
            {
                groups.Add([]);
                room = elementsAtOnce;
            }

            groups[^1].Add(parameter);
            room -= elements;
        }

        return groups;
    }

    /// <summary>J J^T by parameter.</summary>
    private IEnumerable<KeyValuePair<string, float[]>> Grams(List<string> group, List<FedTensor> inputs)
    {
        var rows = group.ConvertAll(_ => new float[batch][]);
        for (var sample = 0; sample < batch; sample++)
        {
            Run(inputs, sample, 1);
            for (var i = 0; i < group.Count; i++)
            {
                rows[i][sample] = session.Tensor(manifest.Gradients[group[i]]).ToArray();
            }
        }

        return group.Zip(rows, (parameter, j) => KeyValuePair.Create(parameter, (float[])[.. j.SelectMany(_ => j, static (a, b) => TensorPrimitives.Dot<float>(a, b))]));
    }
}
