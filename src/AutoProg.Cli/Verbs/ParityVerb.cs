using AutoProg.Ort.Parity;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Compares the engine with golden fixtures.</summary>
[Verb("parity", HelpText = "Compare the engine with golden fixtures of the reference implementation.")]
[Example("parity fixtures/growth fixtures/schedule")]
[Example("parity fixtures/deit_a1 --json")]
internal sealed record ParityVerb : OutputOptions, IVerb
{
    [Value(0, MetaName = "fixture", Required = true, HelpText = "Folders of fixtures, wherever they lie.")]
    public IEnumerable<string> Fixtures { get; init; } = [];

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        var results = Fixtures.Select(folder => FixtureChecks.All.Check(folder)).ToList();
        context.Report(
            new { Fixtures = results.Select(static r => new { r.Name, r.Passed, r.WorstError, r.WorstTensor }) },
            console => console.Write(ParityTable.Of(results)));
        return results.All(static r => r.Passed) ? ExitCodes.Done : ExitCodes.Failure;
    }
}
