namespace AutoProg.Ort.Tests.Runtime;

/// <summary>Tests that measure the process, memory or time, and therefore run after all others and one by one.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
