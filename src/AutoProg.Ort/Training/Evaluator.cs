using AutoProg.Ort.Data;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Training;

/// <summary>Runs sub-networks forward over sets of images.</summary>
/// <param name="network">The network whose parts are evaluated.</param>
/// <param name="sessions">Loaded graphs.</param>
internal sealed class Evaluator(GrowingNetwork network, SubNetworkSessions sessions)
{
    /// <summary>The objective's figures over all batches of a stream.</summary>
    /// <param name="active">What runs.</param>
    /// <param name="weights">The online network or a momentum network.</param>
    /// <param name="batches">Images of the network's resolution; disposed at the end.</param>
    /// <param name="settings">How they are judged.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    public EvaluationFigures Run(ActiveNetwork active, ArenaBuffer weights, BatchStream batches, EvaluationSettings settings, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(active);
        ArgumentNullException.ThrowIfNull(batches);
        using var stream = batches;
        var names = network.ParameterNames(active.Blocks);
        var pass = sessions.Graphs.Task.Objective.Evaluate(settings);
        EvalSession? session = null;
        while (stream.TryNext(out var batch, cancellationToken))
        {
            if (session is null)
            {
                session = sessions.Evaluation(active.Size, batch.Size);
                session.Bind(name => network.Arena.View(weights, names(name)));
            }

            foreach (var input in pass.Inputs(batch))
            {
                input.Feed(session, batch.Size, 0, batch.Size);
            }

            session.Run();
            pass.Add(session, batch);
        }

        return pass.Figures;
    }
}
