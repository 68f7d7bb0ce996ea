using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Parity;

/// <summary>A fixture's weights, into the memory of a model.</summary>
internal static class GoldenWeights
{
    public const string File = "weights.safetensors";

    /// <summary>Fills every parameter.</summary>
    /// <param name="folder">The fixture.</param>
    /// <param name="arena">The model's memory.</param>
    /// <param name="architecture">What the model is called in messages.</param>
    /// <param name="buffers">Tensors of the file that are no parameters.</param>
    /// <exception cref="FixtureException">The file is not of this model.</exception>
    public static void Fill(string folder, ParameterArena arena, string architecture, params ReadOnlySpan<string> buffers)
    {
        using var weights = TensorFixture.Open(folder, File);
        foreach (var name in weights.Names)
        {
            if (!arena.Layout.TryFind(name, out _) && !buffers.Contains(name))
            {
                throw new FixtureException($"{weights.Path}: tensor '{name}' belongs to no {architecture} of this config.");
            }
        }

        foreach (var slot in arena.Layout.Slots)
        {
            weights.Read(slot.Name, slot.Parameter.Shape, arena.Values(ArenaBuffer.Weights, slot.Name));
        }
    }
}
