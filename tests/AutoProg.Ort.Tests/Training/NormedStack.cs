using AutoProg.Graphs;
using AutoProg.Models;

namespace AutoProg.Ort.Tests.Training;

/// <summary>The smallest classifier with running statistics outside and inside of blocks: a convolution over patches, residual blocks, pooling, a head; batch norm behind every convolution.</summary>
internal sealed class NormedStack(int classCount = 3) : IElasticModel
{
    private const int Width = 6;
    private const int Patch = 4;
    private static readonly long[] Margin = [1, 1, 1, 1];

    public string Name => "normed_stack";

    public int ClassCount => classCount;

    public int InputChannels => 3;

    public int MaxResolution => 16;

    public int MaxDepth => 3;

    public int ResolutionStep => Patch;

    public bool HasDropPath => false;

    public string OutputName => ModelGraph.LogitsOutput;

    public IReadOnlyList<Parameter> Parameters => Build(MaxResolution, MaxDepth, 1, ModelGraphOptions.Inference).Parameters;

    public string BlockPrefix(BlockAddress block) => $"blocks.{block.Index}.";

    public IReadOnlyList<int> SplitDepth(int depth) => [depth];

    public ModelGraph Build(int resolution, int depth, int batch, ModelGraphOptions options)
    {
        var m = new ModelBuilder(training: options.Training);
        var b = m.Graph;
        var image = b.Input(ModelGraph.ImageInput, ElementType.Float, [batch, 3, resolution, resolution]);
        var x = b.Relu(m.BatchNorm("stem.norm", m.Convolution("stem.conv", image, Width, Patch, Patch)));
        for (var i = 0; i < depth; i++)
        {
            using var block = m.Block($"blocks.{i}", new BlockAddress(0, i));
            var kernel = m.Parameter("conv.weight", [Width, Width, 3, 3], new Initializer.Uniform(0.1), weightDecay: true);
            x = b.Add(x, b.Relu(m.BatchNorm("norm", b.Conv(x, kernel, pads: Margin), momentum: 0.3)));
        }

        var logits = m.Linear("head", b.Reshape(b.GlobalAveragePool(x), [batch, Width]), ClassCount);
        return new ModelGraph(b, m.Parameters, image, logits) { Statistics = m.Statistics };
    }
}
