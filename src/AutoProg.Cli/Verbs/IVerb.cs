using CommandLine;

namespace AutoProg.Cli;

/// <summary>A verb: a record of its options that knows which call of the engine they describe. A new verb joins in <see cref="Invocation.Verbs"/>.</summary>
internal interface IVerb
{
    /// <summary>Calls the engine and hands out the result.</summary>
    /// <returns>0, or 1 for a result that is a failure; other codes come from exceptions.</returns>
    int Run(VerbContext context);
}

/// <summary>What every verb understands.</summary>
internal abstract record OutputOptions
{
    /// <summary>One JSON document on standard output.</summary>
    [Option("json", HelpText = "Write the result as one JSON document.")]
    public bool Json { get; init; }

    /// <summary>Warnings only.</summary>
    [Option("quiet", HelpText = "No progress and no log; warnings and errors only.")]
    public bool Quiet { get; init; }

    /// <summary>What is said of a call that leaves nothing to go on with.</summary>
    public const string Stopped = "stopped";

    /// <summary>What is said of a call that was stopped, and how to go on with it.</summary>
    public virtual string Farewell(OperationCanceledException cancelled) => Stopped;

    /// <summary>What is said where there is something to go on with.</summary>
    protected static string GoesOnWith(string call) => $"{Stopped}; what was trained is saved and goes on with: {call}";

    /// <summary>Whatever a verb has no use for; refused.</summary>
    [Value(9, Hidden = true)]
    public IEnumerable<string> Surplus { get; init; } = [];
}

/// <summary>A call that help shows.</summary>
/// <param name="call">After <c>autoprog</c>.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
internal sealed class ExampleAttribute(string call) : Attribute
{
    /// <summary>After <c>autoprog</c>.</summary>
    public string Call { get; } = call;
}

/// <summary>An option that sets a key of the recipe; its text is checked where the recipe is read.</summary>
/// <param name="key">Dotted key.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RecipeKeyAttribute(string key) : Attribute
{
    /// <summary>Dotted key.</summary>
    public string Key { get; } = key;

    /// <summary>The key holds a list, and the option gives its only item.</summary>
    public bool AsList { get; init; }
}
