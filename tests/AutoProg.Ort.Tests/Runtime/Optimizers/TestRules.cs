using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Tests.Runtime.Optimizers;

/// <summary>Every kind of update, by name: test methods are public, and rules are not.</summary>
internal static class TestRules
{
    private static readonly Dictionary<string, UpdateRule> Rules = new()
    {
        ["adamw"] = new AdamW(0.05),
        ["sgd, nesterov"] = new Sgd(0.05),
        ["sgd, momentum"] = new Sgd(0.05, nesterov: false),
        ["sgd"] = new Sgd(0.05, momentum: 0),
    };

    public static IReadOnlyCollection<UpdateRule> All => Rules.Values;

    public static TheoryData<string> Names => [.. Rules.Keys];

    /// <summary>Those that remember something.</summary>
    public static TheoryData<string> NamesWithMoments => [.. Rules.Where(static rule => rule.Value.MomentCount > 0).Select(static rule => rule.Key)];

    public static UpdateRule Named(string kind) => Rules[kind];
}
