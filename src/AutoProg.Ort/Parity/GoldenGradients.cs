using AutoProg.Graphs;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Parity;

/// <summary>
/// Golden gradients beside an arena's. They are stored whole (<c>grad.</c>), or as their first elements (<c>grad_head.</c>) and their L2 norm (<c>grad_norm.</c>).
/// </summary>
internal sealed class GoldenGradients
{
    private readonly TensorFixture expected;
    private readonly ParameterArena arena;
    private readonly GoldenScale scale;

    /// <exception cref="FixtureException">A parameter has no golden gradient.</exception>
    public GoldenGradients(TensorFixture expected, ParameterArena arena)
    {
        (this.expected, this.arena) = (expected, arena);
        scale = GoldenScale.Of(arena.Layout.Slots.Where(static slot => !slot.Parameter.IsBuffer).Select(slot => Of(slot.Name)[^1].Expected));
    }

    /// <summary>A case for everything that is stored of a parameter's gradient.</summary>
    /// <param name="parameter">Name of the parameter.</param>
    /// <param name="limit">Largest relative error; an analytically zero gradient is held to the norm of the whole one.</param>
    public IEnumerable<ParityCase> Compare(string parameter, double limit) => Of(parameter).Select(part => scale.Case(part.Name, part.Actual, part.Expected, limit));

    private List<(string Name, float[] Actual, float[] Expected)> Of(string parameter)
    {
        var gradient = arena.Values(ArenaBuffer.Gradients, parameter).ToArray();
        var (whole, head, norm) = ($"grad.{parameter}", $"grad_head.{parameter}", $"grad_norm.{parameter}");
        if (!expected.Has(whole) && !expected.Has(norm))
        {
            throw new FixtureException($"{expected.Path}: holds neither '{whole}' nor '{norm}'; expected a gradient for every parameter.");
        }

        var parts = new List<(string, float[], float[])>();
        if (expected.Has(head))
        {
            var shape = expected.ShapeOf(head);
            if (shape.Rank != 1 || shape[0] > gradient.Length)
            {
                throw new FixtureException($"{expected.Path}: tensor '{head}' has shape {shape}, expected at most [{gradient.Length}].");
            }

            parts.Add((head, gradient[..(int)shape[0]], expected.Read(head, shape)));
        }

        if (expected.Has(norm))
        {
            parts.Add((norm, [(float)Deviation.Norm(gradient)], expected.Read(norm, Shape.Scalar)));
        }

        if (expected.Has(whole))
        {
            parts.Add((whole, gradient, expected.Read(whole, arena.Layout[parameter].Parameter.Shape)));
        }

        return parts;
    }
}
