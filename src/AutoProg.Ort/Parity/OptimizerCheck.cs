using System.Globalization;
using System.Text.Json;
using AutoProg.Models;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Parity;

/// <summary>Update rules and moving averages over several steps (<c>model.json</c> of family <c>optim</c>), computed by the update that training uses.</summary>
internal sealed class OptimizerCheck : IFixtureCheck
{
    private const string Family = "optim";
    private const string Average = "ema";

    // A handful of float32 operations per step; an independent float32 run stays below 5e-8.
    private const double Limit = 1e-6;

    private const int MostSteps = 1000;
    private const int MostTensors = 1000;

    public bool Recognizes(string folder) => FixtureFamily.Of(folder) == Family;

    public IEnumerable<ParityCase> Run(string folder)
    {
        var path = Path.Combine(folder, FixtureFamily.File);
        var config = JsonFixture.Read<Fixture>(folder, FixtureFamily.File).Config;
        var steps = Count(config, "steps", MostSteps, path);
        var tensors = Count(config, "tensors", MostTensors, path);
        var average = config.TryGetValue(Average, out var element) ? Parse<AverageRow>(element, Average, path) : null;
        using var inputs = TensorFixture.Open(folder, "inputs.safetensors");
        using var expected = TensorFixture.Open(folder, "expected.safetensors");
        Parameter[] parameters = [.. Enumerable.Range(0, tensors).Select(i => new Parameter(Name(i), inputs.ShapeOf($"param.{i}"), Initializer.Zeros, WeightDecay: true))];
        var computed = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (var (name, settings) in config.Where(static entry => entry.Value.ValueKind == JsonValueKind.Object && entry.Key != Average))
        {
            var row = Parse<RuleRow>(settings, name, path);
            Trace(name, row.Lr, Rule(row, name, path), average?.Tracks == name ? average.Decay : null);
        }

        return
        [
            .. expected.Names.Select(name => computed.TryGetValue(name, out var actual)
                ? new ParityCase(name, Deviation.OfTensor(actual, expected.Read(name, parameters[Place(name)].Shape)), Limit)
                : throw new FixtureException($"{expected.Path}: tensor '{name}' is not known; expected <rule>.step<k>.<i>, <rule>.state.<state>.<i> or {Average}.step<k>.<i> of what {path} configures.")),
        ];

        void Trace(string name, double rate, UpdateRule rule, double? decay)
        {
            using var arena = new ParameterArena(parameters, new ArenaOptions { MomentCount = rule.MomentCount, EmaDecays = decay is { } d ? [d] : [] });
            foreach (var parameter in parameters)
            {
                inputs.Read($"param.{parameter.Name}", parameter.Shape, arena.Values(ArenaBuffer.Weights, parameter.Name));
            }

            arena.ResetEma();
            var update = new HostParameterUpdate(arena, rule, 1);
            var all = arena.Layout.Select(static _ => true);
            for (var step = 1; step <= steps; step++)
            {
                foreach (var parameter in parameters)
                {
                    inputs.Read($"grad.step{step}.{parameter.Name}", parameter.Shape, arena.Values(ArenaBuffer.Gradients, parameter.Name));
                }

                update.Step(all, rate);
                Note(ArenaBuffer.Weights, $"{name}.step{step}");
                if (decay is not null)
                {
                    Note(ArenaBuffer.Ema(0), $"{Average}.step{step}");
                }
            }

            foreach (var (state, moment) in StateNames(rule))
            {
                Note(ArenaBuffer.Moment(moment), $"{name}.state.{state}");
            }

            void Note(ArenaBuffer buffer, string prefix)
            {
                foreach (var parameter in parameters)
                {
                    computed[$"{prefix}.{parameter.Name}"] = arena.Values(buffer, parameter.Name).ToArray();
                }
            }
        }
    }

    private static (string State, int Moment)[] StateNames(UpdateRule rule) => rule is AdamW ? [("exp_avg", 0), ("exp_avg_sq", 1)] : [("momentum_buffer", 0)];

    private static string Name(int tensor) => tensor.ToString(CultureInfo.InvariantCulture);

    private static int Place(string name) => int.Parse(name.AsSpan(name.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture);

    private static UpdateRule Rule(RuleRow row, string name, string path)
    {
        try
        {
            return row switch
            {
                { Betas: [var first, var second], Eps: { } eps } => new AdamW(row.WeightDecay, first, second, eps),
                { Momentum: { } momentum, Nesterov: { } nesterov } => new Sgd(row.WeightDecay, momentum, nesterov),
                _ => throw new FixtureException($"{path}: config.{name} is no update rule; expected betas and eps (AdamW), or momentum and nesterov (SGD)."),
            };
        }
        catch (ArgumentException refused)
        {
            throw new FixtureException($"{path}: config.{name}: {refused.Message}", refused);
        }
    }

    private static int Count(Dictionary<string, JsonElement> config, string key, int most, string path) =>
        config.TryGetValue(key, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count >= 1 && count <= most
            ? count
            : throw new FixtureException($"{path}: config.{key} is missing or no whole number from 1 to {most}.");

    private static T Parse<T>(JsonElement element, string name, string path)
    {
        try
        {
            return JsonFixture.Convert<T>(element);
        }
        catch (JsonException malformed)
        {
            throw new FixtureException($"{path}: config.{name}: {malformed.Message}", malformed);
        }
    }

    private sealed record Fixture(Dictionary<string, JsonElement> Config);

    private sealed record RuleRow(double Lr, double WeightDecay, double[]? Betas = null, double? Eps = null, double? Momentum = null, bool? Nesterov = null);

    private sealed record AverageRow(double Decay, string Tracks);
}
