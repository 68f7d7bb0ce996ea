using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Training;

/// <summary>A copy of an arena's weights, momentum networks and moments, to which a search without recycling returns.</summary>
internal sealed class ArenaSnapshot : IDisposable
{
    private readonly Dictionary<ArenaBuffer, FlatBuffer> buffers;
    private readonly Dictionary<string, long> steps;

    private ArenaSnapshot(Dictionary<ArenaBuffer, FlatBuffer> buffers, Dictionary<string, long> steps)
    {
        this.buffers = buffers;
        this.steps = steps;
    }

    /// <summary>The copies by buffer.</summary>
    public IReadOnlyDictionary<ArenaBuffer, FlatBuffer> Buffers => buffers;

    /// <summary>Updates of each parameter.</summary>
    public IReadOnlyDictionary<string, long> Steps => steps;

    public static ArenaSnapshot Take(ParameterArena arena)
    {
        var copies = new Dictionary<ArenaBuffer, FlatBuffer>();
        foreach (var buffer in Kept(arena))
        {
            var copy = new FlatBuffer(arena.Layout.Length);
            copy.CopyFrom(arena[buffer]);
            copies.Add(buffer, copy);
        }

        return new ArenaSnapshot(copies, CheckpointFiles.StepCounts(arena));
    }

    /// <summary>An empty copy, to be filled from a checkpoint.</summary>
    public static ArenaSnapshot Empty(ParameterArena arena, IReadOnlyDictionary<string, long> steps) =>
        new(Kept(arena).ToDictionary(b => b, _ => new FlatBuffer(arena.Layout.Length)), new Dictionary<string, long>(steps, StringComparer.Ordinal));

    public void Restore(ParameterArena arena)
    {
        foreach (var (buffer, copy) in buffers)
        {
            arena[buffer].CopyFrom(copy);
        }

        CheckpointFiles.RestoreStepCounts(arena, steps);
    }

    public void Dispose()
    {
        foreach (var copy in buffers.Values)
        {
            copy.Dispose();
        }
    }

    private static IEnumerable<ArenaBuffer> Kept(ParameterArena arena) => arena.Buffers.Where(b => b.Role != ArenaRole.Gradients);
}
