using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Objectives;

/// <summary>What a model learns: the loss behind its forward graph, what every step feeds it, and what an evaluation adds up.</summary>
internal interface IObjective
{
    /// <summary>Name of the loss, e.g. <c>soft-target</c>; part of the names of stored graphs.</summary>
    string Name { get; }

    /// <summary>Adds the loss, and the inputs that it needs beside the model's own, to a forward graph.</summary>
    /// <returns>A scalar: the mean over the batch.</returns>
    Value AttachLoss(ModelGraph graph);

    /// <summary>What a training graph is fed, apart from drop-path factors.</summary>
    /// <param name="batch">Images and labels.</param>
    /// <param name="step">Keys what is drawn at random.</param>
    IReadOnlyList<FedTensor> TrainingInputs(Batch batch, StepKey step);

    /// <summary>What the forward graph is fed where its tangent kernel is measured (eq. 13).</summary>
    /// <param name="batch">Images and labels.</param>
    /// <param name="step">Keys what is drawn at random.</param>
    IReadOnlyList<FedTensor> TangentInputs(Batch batch, StepKey step);

    /// <summary>Begins an evaluation.</summary>
    /// <param name="settings">What is evaluated.</param>
    IEvaluation Evaluate(EvaluationSettings settings);
}

/// <summary>Which step of a run it is: what is drawn for it at random depends on nothing else.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Epoch">Epoch, from 0.</param>
/// <param name="Stage">Stage, from 0: the row of the stage table that the step trains.</param>
internal readonly record struct StepKey(long Seed, int Epoch, int Stage);

/// <summary>How a pass over images is judged.</summary>
/// <param name="Stage">Stage, from 0: the row of the stage table in use.</param>
/// <param name="Soft">Whether a classifier's loss is against the batches' soft targets, as in training; accuracy is then not counted.</param>
internal sealed record EvaluationSettings(int Stage, bool Soft);

/// <summary>One pass over evaluation images.</summary>
internal interface IEvaluation
{
    /// <summary>What the forward graph is fed for a batch.</summary>
    IReadOnlyList<FedTensor> Inputs(Batch batch);

    /// <summary>Adds what the session has computed for a batch; padding rows do not count.</summary>
    void Add(EvalSession session, Batch batch);

    /// <summary>The figures so far.</summary>
    EvaluationFigures Figures { get; }
}

/// <summary>What an evaluation found.</summary>
/// <param name="Loss">Mean over the images; NaN before the first.</param>
/// <param name="Top1">Percent; null where there is no accuracy.</param>
/// <param name="Top5">Percent; null where there is no accuracy.</param>
/// <param name="Count">Images.</param>
internal sealed record EvaluationFigures(double Loss, double? Top1, double? Top5, int Count);
