using System.Globalization;
using System.Text;
using AutoProg.Ort.Files;

namespace AutoProg.Ort.Runs;

/// <summary>One epoch in figures. Null where the epoch was not evaluated.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Stage">From 1, as people count.</param>
/// <param name="Resolution">Pixels.</param>
/// <param name="Depth">Blocks.</param>
/// <param name="TrainLoss">Mean over the epoch.</param>
/// <param name="EvalLoss">Mean over the evaluation images.</param>
/// <param name="EvalTop1">Percent, 0 to 100.</param>
/// <param name="EvalTop5">Percent, 0 to 100.</param>
/// <param name="Lr">Learning rate of the epoch's last update.</param>
/// <param name="TrainSeconds">Time in training steps.</param>
/// <param name="SearchSeconds">Time in search: evaluating and timing candidates, building and moving.</param>
/// <param name="EvalSeconds">Time in evaluation.</param>
/// <param name="Level">Unfreeze level; null where everything learns.</param>
public sealed record EpochMetrics(
    int Epoch, int Stage, int Resolution, int Depth, double TrainLoss, double? EvalLoss, double? EvalTop1, double? EvalTop5, double Lr, double TrainSeconds, double SearchSeconds, double EvalSeconds, int? Level = null);

/// <summary><c>metrics.csv</c>: a row per epoch. A checkpoint stores <see cref="Count"/>, and resuming cuts the table back to that.</summary>
public sealed class MetricsTable : IDisposable
{
    private const int LongestLine = 1 << 16;
    private const string Header = "epoch,stage,resolution,depth,train_loss,eval_loss,eval_top1,eval_top5,lr,train_seconds,search_seconds,eval_seconds,level";

    private readonly AppendedLines lines;

    private MetricsTable(AppendedLines lines) => this.lines = lines;

    /// <summary>Rows so far.</summary>
    internal long Count => lines.Count - 1;

    /// <summary>Opens a table for appending.</summary>
    /// <param name="path">Created where it is missing.</param>
    /// <param name="keep">Rows to keep: 0 for a new run, the checkpoint's <see cref="Count"/> when resuming.</param>
    internal static MetricsTable Open(string path, long keep)
    {
        var file = AppendedLines.Open(path, keep + 1);
        try
        {
            if (file.Count == 0)
            {
                file.Append(Encoding.UTF8.GetBytes(Header));
            }

            return new MetricsTable(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads all rows.</summary>
    /// <exception cref="FileFormatException">The file is not such a table.</exception>
    public static IReadOnlyList<EpochMetrics> Read(string path)
    {
        var text = AppendedLines.Read(path, LongestLine).Select(Encoding.UTF8.GetString).ToList();
        return text.Count > 0 && string.Equals(text[0], Header, StringComparison.Ordinal)
            ? [.. text.Skip(1).Select((line, index) => Parse(line) ?? throw new FileFormatException(path, $"line {index + 2} has not the columns {Header}"))]
            : throw new FileFormatException(path, $"does not begin with the columns {Header}");
    }

    /// <summary>Appends a row.</summary>
    internal void Append(EpochMetrics row) => lines.Append(Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"{row.Epoch},{row.Stage},{row.Resolution},{row.Depth},{row.TrainLoss:R},{row.EvalLoss:R},{row.EvalTop1:R},{row.EvalTop5:R},{row.Lr:R},{row.TrainSeconds:R},{row.SearchSeconds:R},{row.EvalSeconds:R},{row.Level}")));

    /// <summary>Returns once all rows are on the disk; called before a checkpoint is saved.</summary>
    internal void Flush() => lines.Flush();

    /// <inheritdoc />
    public void Dispose() => lines.Dispose();

    private static EpochMetrics? Parse(string line)
    {
        var cells = line.Split(',');
        var numbers = new double?[cells.Length];
        for (var i = 0; i < cells.Length; i++)
        {
            if (cells[i].Length > 0 && !double.TryParse(cells[i], NumberStyles.Float, CultureInfo.InvariantCulture, out _))
            {
                return null;
            }

            numbers[i] = cells[i].Length == 0 ? null : double.Parse(cells[i], NumberStyles.Float, CultureInfo.InvariantCulture);
        }

        return numbers is [{ } epoch, { } stage, { } resolution, { } depth, { } trainLoss, var evalLoss, var top1, var top5, { } lr, { } train, { } search, { } eval, var level]
            ? new EpochMetrics((int)epoch, (int)stage, (int)resolution, (int)depth, trainLoss, evalLoss, top1, top5, lr, train, search, eval, (int?)level)
            : null;
    }
}
