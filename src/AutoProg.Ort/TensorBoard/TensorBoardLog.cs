using AutoProg.Ort.Progressive;
using AutoProg.Ort.TensorBoard.Protos;
using AutoProg.Ort.Training;
using Google.Protobuf;

namespace AutoProg.Ort.TensorBoard;

/// <summary>What TensorBoard shows of a run: the same numbers as <c>events.jsonl</c>, under the tags that users of other trainers know.</summary>
internal sealed class TensorBoardLog : IDisposable
{
    private const int TextElement = 7;

    private readonly EventFile file;
    private readonly TimeProvider clock;

    private TensorBoardLog(EventFile file, TimeProvider clock) => (this.file, this.clock) = (file, clock);

    /// <summary>Bytes so far; kept by checkpoints.</summary>
    public long Length => file.Length;

    /// <inheritdoc cref="EventFile.Open"/>
    public static TensorBoardLog Open(string path, TimeProvider clock, long keep) => new(EventFile.Open(path, clock, keep), clock);

    /// <summary>A line of the log.</summary>
    public void Step(long step, StepRecord record, int batchSize)
    {
        var network = record.Network;
        Scalars(
            step,
            ("train/loss", record.Loss),
            ("train/lr", record.Rate),
            ("throughput/samples_per_sec", batchSize / record.Seconds),
            ("time/train", record.Runtime),
            ("stage/resolution", network.Resolution),
            ("stage/depth", network.Depth),
            ("stage/unfreeze_level", network.Level));
    }

    /// <summary>The best network of an evaluation.</summary>
    public void Evaluation(long step, EvaluationResult best) => Scalars(step, ("eval/loss", best.Loss), ("eval/top1", best.Top1), ("eval/top5", best.Top5));

    /// <summary>A stage begins: its number, and a remark.</summary>
    public void Stage(long step, StageReport stage)
    {
        Scalars(step, ("stage/number", stage.Stage + 1));
        Remark(step, "stage", $"Stage {stage.Stage + 1} from epoch {stage.FirstEpoch}: {stage.Network}, {stage.MicroBatch} images at a time");
    }

    /// <summary>A search is over.</summary>
    public void Decision(long step, SearchDecision decision) => Remark(step, "search", $"Stage {decision.Stage + 1}: {decision.Winner} wins over {decision.Candidates.Count - 1} other candidates");

    /// <summary>A PNG file.</summary>
    public void Picture(long step, string tag, ReadOnlySpan<byte> png, int width, int height) => Append(
        step,
        [new Summary.Types.Value { Tag = tag, Picture = new Summary.Types.Picture { Width = width, Height = height, Channels = 3, Png = ByteString.CopyFrom(png) } }]);

    /// <summary>Returns once everything is on the disk; called before a checkpoint is saved.</summary>
    public void Flush() => file.Flush();

    /// <inheritdoc />
    public void Dispose() => file.Dispose();

    private void Remark(long step, string tag, string text) => Append(
        step,
        [
            new Summary.Types.Value
            {
                Tag = tag,
                Tensor = new Tensor { ElementType = TextElement, Texts = { ByteString.CopyFromUtf8(text) } },
                Metadata = new Metadata { Plugin = new Metadata.Types.Plugin { Name = "text" } },
            },
        ]);

    private void Scalars(long step, params IEnumerable<(string Tag, double? Value)> scalars) => Append(
        step, scalars.Where(static s => s.Value is not null).Select(static s => new Summary.Types.Value { Tag = s.Tag, Scalar = (float)s.Value! }));

    private void Append(long step, IEnumerable<Summary.Types.Value> values) =>
        file.Append(new Event { WallTime = EventFile.SecondsOf(clock), Step = step, Summary = new Summary { Values = { values } } });
}
