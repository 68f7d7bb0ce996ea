using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Files;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>
/// Weights to start from: drawn, or those of another training. What the model has and what the file has must agree, but for a few differences that fine-tuning makes on purpose;
/// these are told, everything else is one error.
/// </summary>
internal static class InitialWeights
{
    private const int MostListed = 20;

    // The sin-cos table of DiT: saved as a frozen parameter, a constant of the model here.
    private const string ConstantTable = "pos_embed";

    // PyTorch counts the batches beside running statistics; no momentum but a cumulative one reads the count.
    private const string BatchCount = ".num_batches_tracked";

    /// <summary>Drawn afresh where the file has another shape: the classifier is for other classes.</summary>
    private static readonly string[] Heads = ["head.", "aux_head."];

    /// <summary>Drawn afresh where the file has none: the stage table (SID) and the branch scalars, which fine-tuning adds and foreign checkpoints cannot have.</summary>
    private static readonly string[] Added = ["s_embedder.", BranchScale.ParameterName];

    /// <summary>What a run of a recipe begins with: weights drawn by its seed, and over them those of its initial checkpoint.</summary>
    /// <exception cref="FileFormatException">The checkpoint cannot be read, or does not fit the model.</exception>
    public static void Fill(ParameterArena arena, Recipe recipe, ILogger log)
    {
        ParameterInitialization.Fill(arena, recipe.Seed);
        if (recipe.Model.InitialCheckpoint is { } file)
        {
            CheckpointFiles.LoadInitial(arena, file, log, recipe.Model.InitialCheckpointKey);
        }
    }

    /// <summary>Fills the weights; momentum networks are left alone. Nothing is loaded unless everything fits.</summary>
    /// <param name="arena">Whose weights have been drawn.</param>
    /// <param name="file">Under the reference's names; float types of any width.</param>
    /// <param name="log">Is told what stays freshly drawn and what is ignored.</param>
    /// <exception cref="FileFormatException">Tensors are missing, unexpected, of another shape or of an integer type; all of them are counted, the first 20 named.</exception>
    public static void Load(ParameterArena arena, IWeightsFile file, ILogger log)
    {
        var (wrong, fresh) = (new List<string>(), new List<string>());
        var matching = new List<ArenaSlot>();
        foreach (var slot in arena.Layout.Slots)
        {
            var difference = Difference(slot, file);
            if (difference is null)
            {
                matching.Add(slot);
            }
            else
            {
                (MayDiffer(slot, file) ? fresh : wrong).Add($"{slot.Name} ({difference})");
            }
        }

        var known = arena.Layout.Slots.Select(static slot => slot.Name).ToHashSet(StringComparer.Ordinal);
        var unexpected = file.Entries.Select(static entry => entry.Name).Where(name => !known.Contains(name) && !IsBatchCount(name, known)).ToLookup(static name => name == ConstantTable);
        wrong.AddRange(unexpected[false].Select(static name => $"{UntrustedText.Shown(name)} (unexpected)"));
        if (wrong.Count > 0)
        {
            throw new FileFormatException(
                file.Path,
                $"belongs to another model: {wrong.Count} tensors do not fit: {string.Join(", ", wrong.Take(MostListed))}{(wrong.Count > MostListed ? $" and {wrong.Count - MostListed} more" : "")}");
        }

        foreach (var slot in matching)
        {
            arena.Weights.Fill(slot.Offset, slot.Length, elements => file.Read(slot.Name, elements));
        }

        log.InitialWeightsLoaded(file.Path, fresh.Count == 0 ? "none" : string.Join(", ", fresh));
        if (unexpected[true].Any())
        {
            log.InitialConstantIgnored(file.Path, ConstantTable);
        }
    }

    private static string? Difference(ArenaSlot slot, IWeightsFile file) =>
        !file.TryGet(slot.Name, out var entry) ? "missing"
        : !entry.Shape.Equals(slot.Parameter.Shape) ? $"{entry.Shape} instead of {slot.Parameter.Shape}"
        : entry.Type is TensorType.F32 or TensorType.F16 or TensorType.BF16 or TensorType.F64 ? null
        : $"{entry.Type.Spelling()} instead of a float type";

    private static bool IsBatchCount(string name, HashSet<string> known) =>
        name.EndsWith(BatchCount, StringComparison.Ordinal) && known.Contains($"{name[..^BatchCount.Length]}.running_mean");

    private static bool MayDiffer(ArenaSlot slot, IWeightsFile file) => file.TryGet(slot.Name, out var entry)
        ? !entry.Shape.Equals(slot.Parameter.Shape) && Heads.Any(head => slot.Name.StartsWith(head, StringComparison.Ordinal))
        : Added.Any(part => slot.Name.Contains(part, StringComparison.Ordinal));
}
