namespace AutoProg.Ort.Parity;

/// <summary>The list of known fixture families, and the verdict over a folder.</summary>
public sealed class FixtureChecks
{
    private readonly IReadOnlyList<IFixtureCheck> checks;

    internal FixtureChecks(IReadOnlyList<IFixtureCheck> checks) => this.checks = checks;

    /// <summary>All families that the engine knows. A new family joins here.</summary>
    public static FixtureChecks All { get; } = new(
    [
        new GrowthCheck(),
        new ScheduleCheck(),
        new SearchScoreCheck(),
        new OptimizerCheck(),
        new DeitCheck(),
        new VoloCheck(),
        new DitCheck(),
        new ForeignCheck(),
        new DiffusionCheck(),
        new ProxiesCheck(),
    ]);

    /// <summary>Runs every check that recognises the folder.</summary>
    /// <param name="folder">A fixture folder; it may lie anywhere.</param>
    /// <exception cref="FixtureException">There is no such folder, no check recognises it, or its files are malformed.</exception>
    public ParityResult Check(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        if (!Directory.Exists(folder))
        {
            throw new FixtureException($"{folder}: no such folder; expected a folder of fixtures.");
        }

        var matching = checks.Where(check => check.Recognizes(folder)).ToList();
        if (matching.Count == 0)
        {
            throw FixtureFamily.Of(folder) is { } family
                ? new FixtureException($"{Path.Combine(folder, FixtureFamily.File)}: family '{family}'{(FixtureFamily.KindOf(folder) is { } kind ? $" of kind '{kind}'" : "")} is not known to this version.")
                : new FixtureException($"{folder}: no known fixture family; expected one of the files growth.json, schedule.json, optim.json or forward.onnx, or a model.json with a family.");
        }

        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return ParityResult.From(name, [.. matching.SelectMany(check => check.Run(folder))]);
    }
}
