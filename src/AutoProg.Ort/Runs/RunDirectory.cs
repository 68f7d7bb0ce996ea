using System.Globalization;
using System.Text.Json;
using AutoProg.Ort.Recipes;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Runs;

/// <summary>Asks for a folder of a new run.</summary>
/// <param name="Output">Folder of all runs.</param>
/// <param name="Model">Model name, part of the default name.</param>
/// <param name="ImgSize">Largest resolution in pixels, part of the default name.</param>
/// <param name="Experiment">Name in place of the default <c>yyyyMMdd-HHmmss-model-size</c>.</param>
/// <param name="Overwrite">Whether an earlier run of that name may be deleted.</param>
internal sealed record RunRequest(string Output, string Model, int ImgSize, string? Experiment = null, bool Overwrite = false);

/// <summary>
/// The folder of a run: <c>recipe.yaml log.txt metrics.csv events.jsonl environment.json summary.json growth.svg tensorboard/ checkpoints/ export/</c>.
/// A directory open for writing is locked: a second process that resumes the same run is refused.
/// </summary>
public sealed class RunDirectory : IDisposable
{
    /// <summary>Name of the folder of checkpoints.</summary>
    public const string CheckpointsName = "checkpoints";

    private const string RecipeName = "recipe.yaml";
    private const string EventsName = "events.jsonl";

    private readonly RunLock? writeLock;

    private RunDirectory(string path, RunLock? writeLock)
    {
        Path = System.IO.Path.GetFullPath(path);
        this.writeLock = writeLock;
    }

    /// <summary>The folder, absolute.</summary>
    public string Path { get; }

    /// <summary>The effective recipe.</summary>
    public string RecipeFile => In(RecipeName);

    /// <summary>What the user saw, and more.</summary>
    public string LogFile => In("log.txt");

    /// <summary>A row per epoch; see <see cref="MetricsTable"/>.</summary>
    public string MetricsFile => In("metrics.csv");

    /// <summary>Everything that happened; see <see cref="EventLog"/>.</summary>
    public string EventsFile => In(EventsName);

    /// <summary>The same for TensorBoard.</summary>
    public string TensorBoardFile => System.IO.Path.Combine(In("tensorboard"), "events.out.tfevents.autoprog");

    /// <summary>What the run ran on.</summary>
    public string EnvironmentFile => In("environment.json");

    /// <summary>What came out of it; there is none before the end.</summary>
    public string SummaryFile => In("summary.json");

    /// <summary>See <see cref="CheckpointStore"/>.</summary>
    public string CheckpointsFolder => In(CheckpointsName);

    /// <summary>Exported models.</summary>
    public string ExportFolder => In("export");

    /// <summary>Creates the folder of a new run.</summary>
    /// <param name="request">Where, and under which name.</param>
    /// <param name="clock">Gives the default name's time.</param>
    /// <exception cref="RunNameException">The experiment's name is no plain folder name, or exists and may not be overwritten, or is no run.</exception>
    /// <exception cref="IOException">The experiment is in use.</exception>
    internal static RunDirectory Create(RunRequest request, TimeProvider clock)
    {
        if (request.Experiment is { } experiment)
        {
            RefuseName(experiment);
            return CreateNamed(System.IO.Path.Combine(request.Output, experiment), request.Overwrite);
        }

        var stamp = clock.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        var name = $"{stamp}-{string.Concat(request.Model.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' ? c : '_'))}-{request.ImgSize}";
        for (var attempt = 1; ; attempt++)
        {
            var path = System.IO.Path.Combine(request.Output, attempt == 1 ? name : $"{name}-{attempt}");
            if (!System.IO.Path.Exists(path) && TryClaim(path) is { } claimed)
            {
                return claimed;
            }
        }
    }

    /// <summary>Opens a run to continue it.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no run.</exception>
    /// <exception cref="IOException">Another process is writing to it.</exception>
    internal static RunDirectory Resume(string path)
    {
        RefuseOther(path);
        return new RunDirectory(path, RunLock.Take(path));
    }

    /// <summary>Opens a run to look at it.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no run.</exception>
    public static RunDirectory Open(string path)
    {
        RefuseOther(path);
        return new RunDirectory(path, null);
    }

    /// <summary>Whether a folder is that of a run.</summary>
    internal static bool IsRun(string path) => File.Exists(System.IO.Path.Combine(path, RecipeName));

    /// <summary>The run in which something happened last.</summary>
    /// <param name="output">Folder of all runs.</param>
    /// <returns>Its folder.</returns>
    /// <exception cref="DirectoryNotFoundException">There is none.</exception>
    public static string Newest(string output) =>
        (Directory.Exists(output) ? Directory.EnumerateDirectories(output) : [])
            .Where(IsRun)
            .OrderByDescending(static path => File.GetLastWriteTimeUtc(System.IO.Path.Combine(path, EventsName)))
            .ThenByDescending(static path => path, StringComparer.Ordinal)
            .FirstOrDefault() ?? throw new DirectoryNotFoundException($"{output}: there is no run in this folder.");

    /// <summary>The run that a path belongs to: the run's folder itself, its <c>checkpoints</c>, a checkpoint, or the files <c>last</c> and <c>best</c>.</summary>
    /// <param name="path">What a user points at.</param>
    /// <returns>The run's folder.</returns>
    /// <exception cref="DirectoryNotFoundException">It belongs to no run.</exception>
    public static string Containing(string path)
    {
        var candidate = new DirectoryInfo(System.IO.Path.GetFullPath(path));
        for (var level = 0; level < 3 && candidate is not null; level++, candidate = candidate.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(candidate.FullName, RecipeName)))
            {
                return System.IO.Path.TrimEndingDirectorySeparator(candidate.FullName);
            }
        }

        throw new DirectoryNotFoundException($"{path}: belongs to no run; there is no {RecipeName} beside it.");
    }

    /// <summary>Writes the effective recipe; training from it repeats the run.</summary>
    internal void WriteRecipe(Recipe recipe) => WholeFile.Replace(RecipeFile, RecipeWriter.Write(recipe));

    /// <summary>The effective recipe.</summary>
    /// <param name="overrides">Settings that take precedence.</param>
    /// <exception cref="RecipeException">It was changed by hand to something that cannot stand, or an override cannot.</exception>
    public Recipe ReadRecipe(IReadOnlyList<RecipeOverride>? overrides = null) => RecipeReader.Read(RecipeFile, overrides);

    /// <summary>Writes what the run runs on.</summary>
    internal void WriteEnvironment(RunEnvironment environment) => WriteDocument(EnvironmentFile, environment);

    /// <summary>Writes what came out of the run.</summary>
    /// <param name="summary">Plain data that System.Text.Json writes.</param>
    internal void WriteSummary<TSummary>(TSummary summary) => WriteDocument(SummaryFile, summary);

    /// <summary>The run's checkpoints.</summary>
    /// <param name="keep">Newest checkpoints to keep, at least 1.</param>
    /// <param name="logger">Hears of damaged checkpoints.</param>
    public CheckpointStore Checkpoints(int keep, ILogger logger) => new(CheckpointsFolder, keep, logger);

    /// <summary>Gives the run free for other writers.</summary>
    public void Dispose() => writeLock?.Dispose();

    private static void WriteDocument<T>(string path, T document) => WholeFile.Replace(path, JsonSerializer.Serialize(document, RunJson.Document) + "\n");

    private static RunDirectory CreateNamed(string path, bool overwrite)
    {
        if (System.IO.Path.Exists(path))
        {
            if (!overwrite)
            {
                throw new RunNameException($"{path}: the experiment exists; choose another name, continue it with --resume, or delete it with --overwrite.");
            }

            // A run that died at once has a lock and no recipe yet.
            if (!File.Exists(System.IO.Path.Combine(path, RecipeName)) && !RunLock.IsIn(path))
            {
                throw new RunNameException($"{path}: holds no {RecipeName} and so is no run; it will not be overwritten. Choose another name.");
            }

            RunLock.Take(path).Dispose();
            Directory.Delete(path, recursive: true);
        }

        return TryClaim(path) ?? throw new IOException($"{path}: another process has just created this experiment.");
    }

    /// <summary>Whoever creates the lock first owns the name.</summary>
    private static RunDirectory? TryClaim(string path)
    {
        Directory.CreateDirectory(path);
        return RunLock.TryCreate(path) is { } created ? new RunDirectory(path, created) : null;
    }

    private static void RefuseOther(string path)
    {
        if (!IsRun(path))
        {
            throw new DirectoryNotFoundException($"{path}: holds no {RecipeName} and so is no run.");
        }
    }

    private static void RefuseName(string name)
    {
        if (name.Length is 0 or > 128 || name.StartsWith('.') || !name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '+' or '='))
        {
            throw new RunNameException($"Experiment name '{name}' is no plain folder name; use up to 128 letters, digits, '.', '_', '-', '+', '=', not beginning with '.'.");
        }
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
