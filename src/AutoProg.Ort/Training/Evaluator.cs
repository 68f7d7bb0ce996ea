using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Training;

/// <summary>Runs sub-networks forward over sets of images.</summary>
/// <param name="network">The network whose parts are evaluated.</param>
/// <param name="sessions">Loaded graphs.</param>
public sealed class Evaluator(GrowingNetwork network, SubNetworkSessions sessions)
{
    /// <summary>Loss and accuracy over all batches of a stream.</summary>
    /// <param name="active">What runs.</param>
    /// <param name="weights">The online network or a momentum network.</param>
    /// <param name="batches">Images of the network's resolution; disposed at the end.</param>
    /// <param name="soft">Whether the loss is against the batches' soft targets, as in training; accuracy is then not counted.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public ClassificationScore Run(ActiveNetwork active, ArenaBuffer weights, BatchStream batches, bool soft, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(active);
        ArgumentNullException.ThrowIfNull(batches);
        using var stream = batches;
        var names = network.ParameterNames(active.Blocks);
        var score = new ClassificationScore();
        EvalSession? session = null;
        while (stream.TryNext(out var batch, cancellationToken))
        {
            if (session is null)
            {
                session = sessions.Evaluation(active.Size, batch.Size);
                session.Bind(name => network.Arena.View(weights, names(name)));
            }

            batch.Images.Span.CopyTo(session.Tensor(ModelGraph.ImageInput));
            session.Run();
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

        return score;
    }
}
