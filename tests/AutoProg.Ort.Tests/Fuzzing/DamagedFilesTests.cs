using System.Diagnostics;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Data;
using AutoProg.Ort.Tests.Runtime;
using Xunit.Abstractions;

namespace AutoProg.Ort.Tests.Fuzzing;

/// <summary>10,000 damaged files of every kind that comes from strangers: each is read, or refused as bad input, in little time and memory.</summary>
[Collection(nameof(Alone))]
public sealed class DamagedFilesTests(ITestOutputHelper output)
{
    private const int Seed = 20260801;

    // A compressed image of the largest size that is accepted takes 448 MiB while it is decoded.
    private const long MostAllocated = 512L << 20;
    private const long MostMemory = 1L << 30;
    private static readonly TimeSpan MostTime = TimeSpan.FromSeconds(5);

    public static TheoryData<string> Kinds => [.. DamagedFile.Kinds.Keys];

    [Fact]
    public void There_are_ten_thousand_cases() => Assert.Equal(10_000, DamagedFile.Kinds.Values.Sum(static kind => kind.Cases));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_damaged_file_is_read_or_refused_quickly_and_in_little_memory(string name)
    {
        var kind = DamagedFile.Kinds[name];
        using var folder = new TemporaryFolder();
        kind.Prepare(folder.Path);
        kind.Read(folder.Path);
        var path = Path.Combine(folder.Path, kind.Name);
        var valid = File.ReadAllBytes(path);
        ProcessMemory.ResetPeak();
        var (refused, slowest, problems) = (0, TimeSpan.Zero, new List<string>());
        for (var i = 0; i < kind.Cases; i++)
        {
            var random = new Random(Seed + i);
            File.WriteAllBytes(path, kind.IsText ? Mutation.OfText(valid, random) : Mutation.Of(valid, random));
            var (started, allocated) = (Stopwatch.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());
            var error = Record.Exception(() => kind.Read(folder.Path));
            var (took, memory) = (Stopwatch.GetElapsedTime(started), GC.GetAllocatedBytesForCurrentThread() - allocated);

            if ((error is not null && !DamagedFile.IsRefusal(error)) || took > MostTime || memory > MostAllocated)
            {
                problems.Add($"Case {i}, {took.TotalMilliseconds:F0} ms, {memory >> 20} MiB: {error}");
            }

            refused += error is null ? 0 : 1;
            slowest = took > slowest ? took : slowest;
        }

        output.WriteLine($"{name}: {refused} of {kind.Cases} refused, slowest {slowest.TotalMilliseconds:F0} ms, peak memory {ProcessMemory.PeakBytes() >> 20} MiB.");
        Assert.True(problems.Count == 0, string.Join("\n", problems));
        Assert.InRange(refused, kind.Cases / 20, kind.Cases);
        Assert.True(ProcessMemory.PeakBytes() < MostMemory, $"{ProcessMemory.PeakBytes() >> 20} MiB");
    }
}
