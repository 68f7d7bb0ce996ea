using AutoProg.Models;
using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Objectives;

/// <summary>A model, what it learns, and which of its parameters may learn at each unfreeze level.</summary>
/// <param name="Model">The complete architecture.</param>
/// <param name="Objective">Loss and evaluation.</param>
/// <param name="Unfreezing">Progressive unfreezing; null where every parameter always learns and depth may grow.</param>
internal sealed record LearningTask(IElasticModel Model, IObjective Objective, UnfreezeLevels? Unfreezing = null)
{
    /// <summary>A classifier of which everything learns.</summary>
    public static LearningTask Classify(IElasticModel model) => new(model, new Classification());

    /// <summary>The model with everything in use and learnable.</summary>
    public SubNetwork Complete => new(Model.MaxResolution, Model.MaxDepth, Unfreezing?.Count);

    /// <summary>Whether a parameter learns while a sub-network is trained; buffers never do.</summary>
    public bool IsLearnable(Parameter parameter, SubNetwork network)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return !parameter.IsBuffer && (Unfreezing is null || network.Level is not { } level || Unfreezing.IsLearnable(parameter, level));
    }
}
