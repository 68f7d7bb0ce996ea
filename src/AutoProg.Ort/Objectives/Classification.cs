using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Objectives;

/// <summary>Cross entropy against class distributions, smoothed and mixed as the augmentation says.</summary>
internal sealed class Classification : IObjective
{
    /// <summary>Name of the soft-target input, [batch, classes].</summary>
    public const string TargetInput = "target";

    /// <inheritdoc />
    public string Name => "soft-target";

    /// <inheritdoc />
    public Value AttachLoss(ModelGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return Losses.SoftTargetCrossEntropy(graph.Builder, graph.Output, graph.Builder.Input(TargetInput, ElementType.Float, graph.Output.Shape));
    }

    /// <inheritdoc />
    public IReadOnlyList<FedTensor> TrainingInputs(Batch batch, StepKey step)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return [FedTensor.Of<float>(ModelGraph.ImageInput, batch.Images), FedTensor.Of<float>(TargetInput, batch.Targets)];
    }

    /// <inheritdoc />
    public IReadOnlyList<FedTensor> TangentInputs(Batch batch, StepKey step)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return [FedTensor.Of<float>(ModelGraph.ImageInput, batch.Images)];
    }

    /// <inheritdoc />
    public IEvaluation Evaluate(EvaluationSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new Pass(settings.Soft);
    }

    private sealed class Pass(bool soft) : IEvaluation
    {
        private readonly ClassificationScore score = new();

        public EvaluationFigures Figures => new(score.Loss, soft ? null : score.Top1, soft ? null : score.Top5, score.Count);

        public IReadOnlyList<FedTensor> Inputs(Batch batch) => [FedTensor.Of<float>(ModelGraph.ImageInput, batch.Images)];

        public void Add(EvalSession session, Batch batch)
        {
            var logits = session.Tensor(ModelGraph.LogitsOutput);
            if (soft)
            {
                score.AddSoft(logits, batch.Targets.Span, batch.Count, batch.Classes);
            }
            else
            {
                score.Add(logits, batch.Labels.Span[..batch.Count], batch.Classes);
            }
        }
    }
}
