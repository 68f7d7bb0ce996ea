using AutoProg.Models;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Runtime;

public sealed class MemoryPlanTests
{
    private const long Arena = 1 << 20;
    private static readonly SubNetwork Complete = new(16, 4);
    private readonly SubNetworkGraphs graphs = new(LearningTask.Classify(ModelCatalog.Create("deit_micro", new ModelSizes { ImgSize = 16, PatchSize = 4, EmbedDim = 24, NumHeads = 2, Depth = 4 })));

    [Fact]
    public void Without_a_limit_the_whole_batch_goes_at_once() => Assert.Equal(12, Plan(0).MicroBatch(Complete, 12, dropPath: true));

    [Fact]
    public void A_requested_micro_batch_is_an_upper_bound_and_divides_the_batch() => Assert.Equal(4, Plan(0, requested: 5).MicroBatch(Complete, 12, dropPath: false));

    [Fact]
    public void A_limit_shrinks_the_micro_batch_to_the_largest_divisor_that_fits()
    {
        var plan = Plan(0);
        var limit = plan.PredictedPeak(Complete, 5, dropPath: false);
        Assert.Equal(4, Plan(limit).MicroBatch(Complete, 12, dropPath: false));
        Assert.True(plan.PredictedPeak(Complete, 4, dropPath: false) <= limit);
    }

    [Fact]
    public void Larger_networks_and_micro_batches_need_more()
    {
        var plan = Plan(0);
        Assert.True(plan.PredictedPeak(new SubNetwork(8, 4), 4, false) < plan.PredictedPeak(Complete, 4, false));
        Assert.True(plan.PredictedPeak(new SubNetwork(16, 2), 4, false) < plan.PredictedPeak(Complete, 4, false));
        Assert.True(plan.PredictedPeak(Complete, 4, false) < plan.PredictedPeak(Complete, 8, false));
    }

    [Fact]
    public void A_limit_below_one_image_is_out_of_memory()
    {
        var error = Assert.Throws<DeviceException>(() => Plan(Arena + 1).MicroBatch(Complete, 12, dropPath: false));
        Assert.StartsWith("out of memory: r16 l4 needs ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("and runtime.memory_limit_mb is 1. Raise the limit or use a smaller model.", error.Message, StringComparison.Ordinal);
    }

    private MemoryPlan Plan(long limit, int requested = 0) => new(graphs, Arena, limit, requested);
}
