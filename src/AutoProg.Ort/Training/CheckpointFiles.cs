using AutoProg.Ort.Files;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>An arena's tensors as the files of a checkpoint, and back. Only the blocks in use are stored, under their own names.</summary>
internal static class CheckpointFiles
{
    private const string BeforeSearchPrefix = "before-search-";

    /// <summary>Name of a buffer's file: <c>weights.safetensors</c>, <c>ema-0.998.safetensors</c>, <c>moment-0.safetensors</c>.</summary>
    public static string FileName(ParameterArena arena, ArenaBuffer buffer) => buffer.Role switch
    {
        ArenaRole.Weights => "weights.safetensors",
        ArenaRole.Ema => $"{RunComponents.NameOf(arena, buffer)}.safetensors",
        ArenaRole.Moments => $"moment-{buffer.Index}.safetensors",
        _ => throw new ArgumentOutOfRangeException(nameof(buffer), buffer, "Gradients are not stored."),
    };

    /// <summary>Everything to store.</summary>
    public static IReadOnlyList<CheckpointFile> Of(RunComponents parts)
    {
        var arena = parts.Arena;
        var files = Stored(arena).Select(b => new CheckpointFile(FileName(arena, b), Tensors(arena, b, parts.Network.Split))).ToList();
        if (parts is { BeforeSearch: { } before, State.Search: { } search })
        {
            files.AddRange(Stored(arena).Select(b => new CheckpointFile(BeforeSearchPrefix + FileName(arena, b), Tensors(arena, b, search.Original, before.Buffers[b]))));
        }

        return files;
    }

    /// <summary>Fills a fresh arena from a checkpoint. The run's state has been read already.</summary>
    /// <exception cref="FileFormatException">A tensor is missing or has another shape: the checkpoint is another model's.</exception>
    public static void Load(RunComponents parts, Checkpoint checkpoint)
    {
        var (arena, state) = (parts.Arena, parts.State);
        parts.Network.Use(state.Split);
        foreach (var buffer in Stored(arena))
        {
            using var file = checkpoint.OpenFile(FileName(arena, buffer));
            Read(file, arena, buffer, state.Split);
        }

        RestoreStepCounts(arena, state.StepCounts);
        if (state.Search is not { } search || !checkpoint.Files.Contains(BeforeSearchPrefix + FileName(arena, ArenaBuffer.Weights)))
        {
            return;
        }

        parts.BeforeSearch = ArenaSnapshot.Empty(arena, search.StepCountsBefore);
        foreach (var (buffer, copy) in parts.BeforeSearch.Buffers)
        {
            using var file = checkpoint.OpenFile(BeforeSearchPrefix + FileName(arena, buffer));
            Read(file, arena, buffer, search.Original, copy);
        }
    }

    /// <summary>Weights of another training, from a safetensors file or a PyTorch checkpoint under the reference's names; see <see cref="InitialWeights.Load"/>.</summary>
    /// <param name="arena">Whose weights have been drawn.</param>
    /// <param name="path">The file.</param>
    /// <param name="log">Is told what was not loaded.</param>
    /// <param name="key">Which part of a PyTorch checkpoint; null takes the averaged weights, else the online ones.</param>
    /// <exception cref="FileFormatException">The file cannot be read, or does not fit the model.</exception>
    public static void LoadInitial(ParameterArena arena, string path, ILogger log, string? key = null)
    {
        using var file = WeightsFile.Open(path, key);
        InitialWeights.Load(arena, file, log);
    }

    /// <summary>Updates of each parameter that has had any.</summary>
    public static Dictionary<string, long> StepCounts(ParameterArena arena) =>
        arena.Layout.Slots.Where(s => arena.Steps[s] > 0).ToDictionary(s => s.Name, s => arena.Steps[s], StringComparer.Ordinal);

    /// <summary>Sets the updates of every parameter.</summary>
    public static void RestoreStepCounts(ParameterArena arena, IReadOnlyDictionary<string, long> counts)
    {
        foreach (var slot in arena.Layout.Slots)
        {
            arena.Steps[slot.Name] = counts.GetValueOrDefault(slot.Name);
        }
    }

    private static IEnumerable<ArenaBuffer> Stored(ParameterArena arena) => arena.Buffers.Where(b => b.Role != ArenaRole.Gradients);

    /// <summary>What a buffer holds of the blocks in use: running statistics have no moments.</summary>
    private static IEnumerable<ArenaSlot> InUse(ParameterArena arena, ArenaBuffer buffer, IReadOnlyList<int> split) => arena.Layout.Slots.Where(s =>
        (s.Parameter.Block is not { } block || block.Index < split[block.Group]) && !(s.Parameter.IsBuffer && buffer.Role == ArenaRole.Moments));

    /// <summary>The tensors of the blocks in use.</summary>
    /// <param name="arena">Names and shapes.</param>
    /// <param name="buffer">Which of its buffers.</param>
    /// <param name="split">Blocks per group in use.</param>
    /// <param name="copy">A copy of that buffer; null reads the buffer itself.</param>
    public static IReadOnlyList<FloatTensor> Tensors(ParameterArena arena, ArenaBuffer buffer, IReadOnlyList<int> split, FlatBuffer? copy = null)
    {
        var memory = copy ?? arena[buffer];
        return [.. InUse(arena, buffer, split).Select(s => new FloatTensor(s.Name, s.Parameter.Shape, () => memory.Read(s.Offset, s.Length)))];
    }

    /// <summary>Fills a buffer, or a copy of it, from a file that has every tensor of the blocks in use.</summary>
    /// <exception cref="FileFormatException">A tensor is missing or has another shape: the file is another model's.</exception>
    public static void Read(IWeightsFile file, ParameterArena arena, ArenaBuffer buffer, IReadOnlyList<int> split, FlatBuffer? copy = null)
    {
        var slots = InUse(arena, buffer, split).ToList();
        var wrong = slots.Where(s => !file.TryGet(s.Name, out var entry) || !entry.Shape.Equals(s.Parameter.Shape)).Select(s => s.Name).ToList();
        if (wrong.Count > 0)
        {
            throw new FileFormatException(file.Path, $"belongs to another model: {wrong.Count} of {slots.Count} tensors are missing or of another shape, e.g. {string.Join(", ", wrong.Take(5))}");
        }

        var memory = copy ?? arena[buffer];
        foreach (var slot in slots)
        {
            memory.Fill(slot.Offset, slot.Length, elements => file.Read(slot.Name, elements));
        }
    }
}
