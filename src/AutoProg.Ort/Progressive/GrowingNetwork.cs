using AutoProg.Models;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Progressive;

/// <summary>
/// The network that is being trained: the first blocks of an arena that has room for the complete model. Growing and extracting move blocks inside
/// that memory; nothing is allocated and no session has to be told.
/// </summary>
internal sealed class GrowingNetwork
{
    private readonly Dictionary<string, Parameter> parameters;

    /// <summary>A network without blocks yet.</summary>
    /// <param name="model">The complete model.</param>
    /// <param name="arena">Memory for its parameters.</param>
    public GrowingNetwork(IElasticModel model, ParameterArena arena)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(arena);
        Model = model;
        Arena = arena;
        parameters = model.Parameters.ToDictionary(p => p.Name, StringComparer.Ordinal);
    }

    /// <summary>The complete model.</summary>
    public IElasticModel Model { get; }

    /// <summary>Its parameters.</summary>
    public ParameterArena Arena { get; }

    /// <summary>Blocks in use per group.</summary>
    public IReadOnlyList<int> Split { get; private set; } = [];

    /// <summary>Blocks in use.</summary>
    public int Depth => Split.Sum();

    /// <summary>Addresses of the blocks in use.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Blocks => [.. Split.Select(count => (IReadOnlyList<int>)[.. Enumerable.Range(0, count)])];

    /// <summary>Sets which blocks are in use without touching memory: a fresh network, or one read from a checkpoint.</summary>
    /// <exception cref="ArgumentException">The complete model has fewer blocks.</exception>
    public void Use(IReadOnlyList<int> split)
    {
        ArgumentNullException.ThrowIfNull(split);
        var complete = Model.SplitDepth(Model.MaxDepth);
        if (split.Count != complete.Count || split.Zip(complete).Any(pair => pair.First < 1 || pair.First > pair.Second))
        {
            throw new ArgumentException($"Blocks [{string.Join(", ", split)}] do not fit the complete model's [{string.Join(", ", complete)}].", nameof(split));
        }

        Split = [.. split];
    }

    /// <summary>Grows in depth (zeta). With equal depth, MoGrow still takes over the momentum network, since the resolution changes the function too.</summary>
    /// <param name="split">Blocks per group afterwards, none fewer than now.</param>
    /// <param name="growth">How.</param>
    public void Grow(IReadOnlyList<int> split, GrowthStep growth)
    {
        ArgumentNullException.ThrowIfNull(split);
        ArgumentNullException.ThrowIfNull(growth);
        var maps = Split.Zip(split, (from, to) => growth.Operator.Map(from, to)).ToList();
        var momentum = growth.Operator.CopiesMomentumNetwork() ? ArenaBuffer.Ema(growth.MomentumNetwork) : ArenaBuffer.Weights;
        if (momentum != ArenaBuffer.Weights)
        {
            Arena.CopyBetween(null, new ArenaTransfer(momentum, ArenaBuffer.Weights));
        }

        Use(split);
        for (var group = 0; group < maps.Count; group++)
        {
            // A fresh block has no source; it first keeps its place and is drawn afterwards.
            int[] sources = [.. maps[group].Source.Select((source, i) => source ?? i)];
            Arena.Rearrange(group, sources, [new ArenaTransfer(momentum, ArenaBuffer.Weights), .. Followers(growth.OptimizerState)]);
            Renew(group, maps[group], growth);
        }

        if (growth.OptimizerState == OptimizerStateKind.Reset)
        {
            Arena.ResetMoments();
        }
    }

    /// <summary>Keeps some blocks of a supernet, in their order, as the new network: weights, momentum networks and, if carried, moments.</summary>
    /// <param name="active">Per group, the blocks to keep.</param>
    /// <param name="optimizerState">Whether moments are carried or reset.</param>
    public void Extract(IReadOnlyList<IReadOnlyList<int>> active, OptimizerStateKind optimizerState)
    {
        ArgumentNullException.ThrowIfNull(active);
        for (var group = 0; group < active.Count; group++)
        {
            Arena.Rearrange(group, active[group], [ArenaTransfer.Within(ArenaBuffer.Weights), .. Followers(optimizerState)]);
        }

        Use([.. active.Select(blocks => blocks.Count)]);
        if (optimizerState == OptimizerStateKind.Reset)
        {
            Arena.ResetMoments();
        }
    }

    /// <summary>Where a sub-network's graph finds its parameters: block i of the graph is the i-th active block.</summary>
    /// <param name="active">Per group, the blocks of the network that run.</param>
    /// <returns>From the graph's parameter name to the arena's.</returns>
    public Func<string, string> ParameterNames(IReadOnlyList<IReadOnlyList<int>> active)
    {
        ArgumentNullException.ThrowIfNull(active);
        return name =>
        {
            if (parameters[name].Block is not { } block)
            {
                return name;
            }

            var place = block with { Index = active[block.Group][block.Index] };
            return Model.BlockPrefix(place) + name[Model.BlockPrefix(block).Length..];
        };
    }

    /// <summary>The active blocks of all groups as addresses.</summary>
    public static IEnumerable<BlockAddress> Addresses(IReadOnlyList<IReadOnlyList<int>> active) =>
        active.SelectMany((blocks, group) => blocks.Select(index => new BlockAddress(group, index)));

    /// <summary>Buffers that follow the weights: each momentum network from itself, and the moments if they are carried.</summary>
    private IEnumerable<ArenaTransfer> Followers(OptimizerStateKind optimizerState) => Arena.Buffers
        .Where(buffer => buffer.Role == ArenaRole.Ema || (buffer.Role == ArenaRole.Moments && optimizerState == OptimizerStateKind.Carry))
        .Select(ArenaTransfer.Within);

    /// <summary>Draws blocks without a source, and closes the gates of inserted blocks where the operator has gates.</summary>
    private void Renew(int group, LayerMap map, GrowthStep growth)
    {
        foreach (var index in Enumerable.Range(0, map.To).Where(i => map.Source[i] is null))
        {
            var block = new BlockAddress(group, index);
            ParameterInitialization.FillGrown(Arena, block, growth.Seed, growth.Stage);
            foreach (var ema in Arena.Buffers.Where(buffer => buffer.Role == ArenaRole.Ema))
            {
                Arena.CopyBetween(block, new ArenaTransfer(ArenaBuffer.Weights, ema));
            }

            Arena.Zero(block, Arena.Buffers.Where(buffer => buffer.Role == ArenaRole.Moments));
        }

        if (!growth.Operator.GatesInsertedBlocks())
        {
            return;
        }

        foreach (var block in map.Inserted.Select(index => new BlockAddress(group, index)))
        {
            foreach (var gate in Arena.Layout.SlotsOf(block).Where(slot => slot.Name.Contains(BranchScale.ParameterName, StringComparison.Ordinal)))
            {
                foreach (var buffer in Arena.Buffers.Where(buffer => buffer.Role is ArenaRole.Weights or ArenaRole.Ema))
                {
                    Arena[buffer].Clear(gate.Offset, gate.Length);
                }
            }
        }
    }
}

/// <summary>One growth.</summary>
/// <param name="Operator">zeta.</param>
/// <param name="MomentumNetwork">Place of the momentum network that MoGrow copies from.</param>
/// <param name="OptimizerState">Whether moments are carried or reset.</param>
/// <param name="Seed">The run's seed, for blocks that are drawn afresh.</param>
/// <param name="Stage">The stage that begins.</param>
internal sealed record GrowthStep(GrowthOperatorKind Operator, int MomentumNetwork, OptimizerStateKind OptimizerState, long Seed, int Stage);
