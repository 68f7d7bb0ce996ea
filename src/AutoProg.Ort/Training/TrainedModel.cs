using System.Globalization;
using System.Text.Json;
using AutoProg.Models;
using AutoProg.Ort.Files;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>A model with all its weights, read back from where training or export has left it, to be evaluated or exported. Trains nothing.</summary>
public sealed class TrainedModel : IDisposable
{
    private const int MostClasses = 1_000_000;
    private readonly bool ownsArena;

    private TrainedModel(Recipe recipe, LearningTask task, GrowingNetwork parts, SubNetwork network, bool ownsArena)
    {
        (Recipe, Task) = (recipe, task);
        Parts = parts;
        Network = network;
        this.ownsArena = ownsArena;
        Choices = parts.Arena.Buffers
            .Where(static buffer => buffer.Role is ArenaRole.Weights or ArenaRole.Ema)
            .ToDictionary(buffer => RunComponents.NameOf(parts.Arena, buffer), StringComparer.Ordinal);
    }

    /// <summary>The recipe that the model was trained with.</summary>
    public Recipe Recipe { get; }

    /// <summary>The complete architecture, what it has learnt, and which of it at each unfreeze level.</summary>
    internal LearningTask Task { get; }

    /// <summary>The complete architecture.</summary>
    public IElasticModel Model => Task.Model;

    /// <summary>The last stage that was trained, from 0.</summary>
    public int Stage { get; private init; }

    /// <summary>The network that was trained, smaller than the complete one if training has not come to its end.</summary>
    public SubNetwork Network { get; }

    /// <summary>Weights to choose from: <c>online</c>, and <c>ema-0.998</c> for each momentum network.</summary>
    public IReadOnlyList<string> WeightsNames => [.. Choices.Keys];

    /// <summary>Those that the last evaluation of the run found best; the first where there was none.</summary>
    public string BestWeights { get; private init; } = "online";

    /// <summary>Names of the classes in the order of the logits; empty where they are not known.</summary>
    public IReadOnlyList<string> ClassNames { get; private init; } = [];

    /// <summary>The run's folder, or null.</summary>
    public string? RunFolder { get; private init; }

    internal GrowingNetwork Parts { get; }

    internal Dictionary<string, ArenaBuffer> Choices { get; private init; }

    /// <summary>Opens a run's folder (its newest intact checkpoint), a checkpoint's folder, or a file of weights (see <see cref="WeightsFile"/>).</summary>
    /// <param name="path">One of the three.</param>
    /// <param name="recipeFile">The recipe of a file of weights, or of a checkpoint that lies outside of its run; null where the run's folder has it.</param>
    /// <param name="overrides">Settings that take precedence over the recipe: device, threads, data folder.</param>
    /// <param name="logger">Hears of damaged checkpoints.</param>
    /// <exception cref="FileNotFoundException">There is no such file or checkpoint, or no recipe with it.</exception>
    /// <exception cref="FileFormatException">The file is damaged, or belongs to another model.</exception>
    /// <exception cref="RecipeException">The recipe cannot stand.</exception>
    public static TrainedModel Open(string path, string? recipeFile = null, IReadOnlyList<RecipeOverride>? overrides = null, ILogger? logger = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Path.Exists(path))
        {
            throw new FileNotFoundException($"{path}: there is no such run, checkpoint or file of weights.");
        }

        var runFolder = RunFolderOf(path);
        var recipe = RecipeReader.Read(
            recipeFile ?? (runFolder is null ? throw new FileNotFoundException($"{path}: lies in no run's folder; name the recipe that it was trained with.") : RunDirectory.Open(runFolder).RecipeFile),
            overrides);
        return File.Exists(path) && !CheckpointStore.IsPointer(path)
            ? OpenWeights(path, recipe, runFolder)
            : OpenCheckpoint(CheckpointStore.Open(path, logger ?? NullLogger.Instance), recipe, runFolder);
    }

    /// <summary>What a run has in memory at its end; the run keeps its memory.</summary>
    internal static TrainedModel Of(Recipe recipe, RunComponents parts, IReadOnlyList<string> classNames, string? runFolder) =>
        new(recipe, parts.Task, parts.Network, parts.State.Network, ownsArena: false)
        {
            Stage = parts.State.Stage,
            BestWeights = parts.State.LastEvaluation?.Weights ?? "online",
            ClassNames = classNames,
            RunFolder = runFolder,
        };

    /// <summary>The weights of a choice.</summary>
    /// <exception cref="ArgumentException">There are no such weights.</exception>
    internal IReadOnlyList<string> Resolve(string weights, bool allowAll)
    {
        if (allowAll && weights == ModelEvaluation.All)
        {
            return WeightsNames;
        }

        var name = weights == ModelEvaluation.Best ? BestWeights : weights;
        return Choices.ContainsKey(name)
            ? [name]
            : throw new ArgumentException($"There are no weights '{weights}'; use {string.Join(", ", [ModelEvaluation.Best, .. allowAll ? new[] { ModelEvaluation.All } : [], .. WeightsNames])}.", nameof(weights));
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (ownsArena)
        {
            Parts.Arena.Dispose();
        }
    }

    private static TrainedModel OpenCheckpoint(Checkpoint checkpoint, Recipe recipe, string? runFolder)
    {
        var state = checkpoint.ReadState<TrainingState>();
        using var online = checkpoint.OpenFile("weights.safetensors");
        var (task, network) = CreateNetwork(recipe, online, recipe.Ema.Decays);
        try
        {
            network.Use(state.Split);
            foreach (var buffer in network.Arena.Buffers)
            {
                using var file = checkpoint.OpenFile(CheckpointFiles.FileName(network.Arena, buffer));
                CheckpointFiles.Read(file, network.Arena, buffer, state.Split);
            }
        }
        catch (ArgumentException error)
        {
            network.Arena.Dispose();
            throw new FileFormatException(checkpoint.Path, $"does not fit the recipe's model: {error.Message}", error);
        }
        catch
        {
            network.Arena.Dispose();
            throw;
        }

        return new TrainedModel(recipe, task, network, state.Network, ownsArena: true)
        {
            Stage = Math.Max(0, state.Stage),
            BestWeights = state.LastEvaluation?.Weights ?? "online",
            ClassNames = ExportedClassNames(runFolder, network.Model.ClassCount),
            RunFolder = runFolder,
        };
    }

    private static TrainedModel OpenWeights(string path, Recipe recipe, string? runFolder)
    {
        using var file = WeightsFile.Open(path);
        var (task, network) = CreateNetwork(recipe, file, []);
        try
        {
            var model = network.Model;
            var depth = Enumerable.Range(model.MinDepth, model.MaxDepth - model.MinDepth + 1).Reverse().FirstOrDefault(l => Holds(file, model, model.SplitDepth(l)), model.MinDepth);
            network.Use(model.SplitDepth(depth));
            CheckpointFiles.Read(file, network.Arena, ArenaBuffer.Weights, network.Split);
            var resolution = file.Metadata.TryGetValue("resolution", out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var pixels)
                && pixels > 0 && pixels <= 8192 && pixels % model.ResolutionStep == 0 ? pixels : model.MaxResolution;
            var name = file.Metadata.GetValueOrDefault("weights", "online");
            return new TrainedModel(recipe, task, network, new SubNetwork(resolution, depth), ownsArena: true)
            {
                BestWeights = name,
                Choices = new Dictionary<string, ArenaBuffer>(StringComparer.Ordinal) { [name] = ArenaBuffer.Weights },
                ClassNames = ClassNamesOf(file, model.ClassCount),
                RunFolder = runFolder,
            };
        }
        catch
        {
            network.Arena.Dispose();
            throw;
        }
    }

    private static bool Holds(IWeightsFile file, IElasticModel model, IReadOnlyList<int> split) =>
        model.Parameters.Where(p => p.Block is { } block && block.Index < split[block.Group]).All(p => file.TryGet(p.Name, out _));

    private static (LearningTask Task, GrowingNetwork Network) CreateNetwork(Recipe recipe, IWeightsFile weights, IReadOnlyList<double> decays)
    {
        var task = LearningTasks.Of(recipe, LearningTasks.OwnClassCount(recipe) ?? ClassCount(recipe, weights));
        return (task, new GrowingNetwork(task.Model, new ParameterArena(task.Model.Parameters, ArenaOptions.WeightsOnly with { EmaDecays = decays })));
    }

    /// <summary>The class count that the recipe leaves to the data: read off the one axis that it makes longer, so that the data need not be there.</summary>
    private static int ClassCount(Recipe recipe, IWeightsFile weights)
    {
        var (two, three) = (LearningTasks.Of(recipe, 2).Model.Parameters, LearningTasks.Of(recipe, 3).Model.Parameters);
        var differing = two.Zip(three)
            .SelectMany(static pair => pair.First.Shape.Zip(pair.Second.Shape).Select((sizes, axis) => (pair.First.Name, Axis: axis, More: sizes.First - 2, Differs: sizes.First != sizes.Second)))
            .Where(static candidate => candidate.Differs)
            .ToList();
        if (differing.Count == 0)
        {
            // An autoencoder knows no classes.
            return 1;
        }

        var (name, axis, more, _) = differing[0];

        // A label table has a row more, for no label.
        var shape = weights.TryGet(name, out var entry) ? entry.Shape : throw new FileFormatException(weights.Path, $"holds no tensor '{name}' among its {weights.Entries.Count}");
        return axis < shape.Rank && shape[axis] - more is >= 2 and <= MostClasses
            ? (int)(shape[axis] - more)
            : throw new FileFormatException(weights.Path, $"tensor '{name}' has shape {shape}, in which axis {axis} is no number of classes from 2 to {MostClasses}");
    }

    private static string? RunFolderOf(string path)
    {
        var folder = Path.GetFullPath(path);
        for (var up = 0; up <= 2 && folder is not null; up++, folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "recipe.yaml")))
            {
                return folder;
            }
        }

        return null;
    }

    /// <summary>The training's end leaves the names in the exported file.</summary>
    private static string[] ExportedClassNames(string? runFolder, int count)
    {
        var exported = runFolder is null ? null : Path.Combine(RunDirectory.Open(runFolder).ExportFolder, ModelExport.FileName(ExportFormat.Safetensors));
        if (!File.Exists(exported))
        {
            return [];
        }

        try
        {
            using var file = SafetensorsReader.Open(exported);
            return ClassNamesOf(file, count);
        }
        catch (FileFormatException)
        {
            // The names are a courtesy; what is evaluated or exported does not depend on them.
            return [];
        }
    }

    private static string[] ClassNamesOf(IWeightsFile file, int count)
    {
        if (!file.Metadata.TryGetValue("class_names", out var text))
        {
            return [];
        }

        try
        {
            return JsonSerializer.Deserialize<string[]>(text) is { } names && names.Length == count && !names.Contains(null) ? names : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
