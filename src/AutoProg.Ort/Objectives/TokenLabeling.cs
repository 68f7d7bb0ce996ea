using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Objectives;

/// <summary>
/// Token labeling (Jiang et al., NeurIPS 2021): cross entropy of the class head, plus half the mean cross entropy of the head that classifies every token. A token's target is that of its image, or a
/// distribution of its own where there are label maps. Tokens are mixed inside the model (<see cref="MixToken"/>).
/// </summary>
/// <param name="model">What is trained: tells how many tokens an image has.</param>
/// <param name="mixAlpha">Alpha of the Beta distribution of MixToken's share; 0 mixes nothing.</param>
/// <param name="hasTokenTargets">Whether tokens have targets of their own.</param>
/// <param name="smoothing">Label smoothing of those; that of class targets is in the batch already.</param>
/// <remarks>The authors' code mixes the class target only where there are label maps, although it always mixes the tokens; here both are always mixed.</remarks>
internal sealed class TokenLabeling(Volo model, double mixAlpha, bool hasTokenTargets = false, double smoothing = 0) : IObjective
{
    /// <summary>Name of the soft-target input for tokens, [batch, tokens, classes].</summary>
    public const string TokenTargetInput = "token_target";

    private const double TokenWeight = 0.5;

    private readonly Classification classification = new();

    /// <inheritdoc />
    public string Name => hasTokenTargets ? "token-labels" : "token-soft-target";

    /// <inheritdoc />
    public Value AttachLoss(ModelGraph graph) => Attach(graph).Loss;

    /// <summary>The loss and its parts.</summary>
    /// <exception cref="ArgumentException">The model does not classify tokens.</exception>
    internal (Value Loss, Value OfClass, Value OfTokens) Attach(ModelGraph graph)
    {
        if (graph is not VoloGraph { TokenLogits: { } logits, MixMask: { } mask })
        {
            throw new ArgumentException("Only a model that classifies its tokens can be trained with token labels; use another objective for this model.", nameof(graph));
        }

        var b = graph.Builder;
        var (rows, classes) = (logits.Shape[0] * logits.Shape[1], logits.Shape[2]);
        var target = b.Input(Classification.TargetInput, ElementType.Float, graph.Output.Shape);
        var tokenTarget = hasTokenTargets
            ? b.Input(TokenTargetInput, ElementType.Float, logits.Shape)
            : b.Expand(b.Reshape(target, [logits.Shape[0], 1, classes]), logits.Shape);
        var ofClass = Losses.SoftTargetCrossEntropy(b, graph.Output, MixToken.Mix(b, target, mask));
        var ofTokens = Losses.SoftTargetCrossEntropy(b, b.Reshape(logits, [rows, classes]), b.Reshape(tokenTarget, [rows, classes]));
        return (b.Add(ofClass, b.Scale(ofTokens, TokenWeight)), ofClass, ofTokens);
    }

    /// <inheritdoc />
    public IReadOnlyList<FedTensor> TrainingInputs(Batch batch, StepKey step)
    {
        ArgumentNullException.ThrowIfNull(batch);
        IEnumerable<FedTensor> inputs = [.. classification.TrainingInputs(batch, step), FedTensor.Shared<float>(MixToken.MaskInput, DrawMask(batch, step))];
        return hasTokenTargets ? [.. inputs, new TokenTargetRows(batch, smoothing)] : [.. inputs];
    }

    /// <inheritdoc />
    public IReadOnlyList<FedTensor> TangentInputs(Batch batch, StepKey step) => classification.TangentInputs(batch, step);

    /// <inheritdoc />
    public IEvaluation Evaluate(EvaluationSettings settings) => classification.Evaluate(settings);

    /// <summary>1 in the box of tokens that come from another image: a function of the step's key and the batch's place in the epoch.</summary>
    private float[] DrawMask(Batch batch, StepKey step)
    {
        var grid = model.TokenGrid(batch.Resolution);
        var mask = new float[grid * grid];
        if (Mixing.DrawBox(mixAlpha, grid, new CounterRandom(step.Seed, RandomPurpose.MixToken, step.Epoch, batch.Index)) is { } box)
        {
            box.Fill(mask, grid);
        }

        return mask;
    }

    /// <summary>The tokens' distributions, written out for a micro-batch at a time: those of a whole batch would take many times the memory of its images.</summary>
    private sealed class TokenTargetRows(Batch batch, double smoothing) : FedTensor(TokenTargetInput)
    {
        public override void Feed(IFedSession session, int rows, int first, int count)
        {
            var targets = session.Tensor<float>(Name);
            if (batch.TokenTargets.Count == 0)
            {
                targets.Fill(batch.IsBlank
                    ? 1f / batch.Classes
                    : throw new InvalidOperationException($"Batch {batch.Index} comes without class distributions of its tokens, which are learned here; read it from images with label maps (data.token_labels)."));
                return;
            }

            var length = targets.Length / count;
            for (var i = 0; i < count; i++)
            {
                batch.TokenTargets[first + i].Write(targets.Slice(i * length, length), batch.Classes, smoothing);
            }
        }
    }
}
