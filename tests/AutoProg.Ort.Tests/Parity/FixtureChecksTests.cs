using AutoProg.Ort.Parity;

namespace AutoProg.Ort.Tests.Parity;

public sealed class FixtureChecksTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("fixture").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("growth", 100 + 454 + 86 + 7 + 2 + 4 + 4 + 4 + 3)]
    [InlineData("schedule", 95 + 180 + 190 + 32 + 30)]
    [InlineData("optim_a1", 4 + 3 + 3 + 102)]
    public void The_goldens_are_met_row_by_row(string fixture, int atLeast)
    {
        var result = FixtureChecks.All.Check(Fixture(fixture));
        Assert.DoesNotContain(result.Cases, static c => !c.Passed);
        Assert.True(result.Passed);
        Assert.Equal(fixture, result.Name);
        Assert.True(result.Cases.Count >= atLeast, $"Only {result.Cases.Count} cases were compared.");
    }

    [Theory]
    [InlineData("growth", "growth.json", "\"new_idx\":[0,0]", "\"new_idx\":[0,1]", "layer_maps[1]")]
    [InlineData("growth", "growth.json", "0.054545458406209946", "0.0546", "deit_drop_path[0]")]
    [InlineData("schedule", "schedule.json", "\"rand-m4-mstd0.5-inc1\"", "\"rand-m5-mstd0.5-inc1\"", "autoprog[0]")]
    [InlineData("optim_a1", "optim.json", "0.0004969836434458088", "0.0004969836434558088", "cosine_schedule[0]")]
    [InlineData("optim_a1", "optim.json", "-0.07041447519831642", "-0.07041467519831642", "autoprog_one[0]")]
    [InlineData("optim_a1", "optim.json", "\"rank_ntk\":[4,3,1,2]", "\"rank_ntk\":[4,3,2,1]", "autoprog_zero[0]")]
    public void A_changed_golden_is_noticed(string fixture, string file, string golden, string changed, string worst)
    {
        Change(fixture, file, golden, changed);
        var result = FixtureChecks.All.Check(folder);
        Assert.False(result.Passed);
        Assert.Equal(worst, result.WorstTensor);
    }

    [Theory]
    [InlineData("\"prev_l\":1,", "\"prev_l\":0,", "layer_maps[0]")]
    [InlineData("\"prev_l\":1,", "", "layer_maps[0]")]
    [InlineData("\"prev_l\":1,\"new_l\":1,", "\"prev_l\":1,\"new_l\":2000000000,", "layer_maps[0]: Depth 2000000000 is above 10000.")]
    [InlineData("\"new_idx\":[0,0]", "\"new_idx\":[0,null]", "$.layer_maps[1].new_idx[1] is null")]
    [InlineData("\"layer_maps\"", "\"maps\"", "layer_maps")]
    [InlineData("{", "", "growth.json")]
    public void A_malformed_table_is_named_by_place(string golden, string changed, string place)
    {
        Change("growth", "growth.json", golden, changed);
        var error = Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(folder));
        Assert.StartsWith(Path.Combine(folder, "growth.json") + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(place, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_no_fixture_is_refused()
    {
        Assert.Equal($"{folder}: no known fixture family; expected one of the files growth.json, schedule.json, optim.json or forward.onnx, or a model.json with a family.",
            Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(folder)).Message);
        Assert.EndsWith("no such folder; expected a folder of fixtures.",
            Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Path.Combine(folder, "absent"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_check_that_compares_nothing_has_not_passed() => Assert.False(ParityResult.From("empty", []).Passed);

    [Fact]
    public void The_worst_case_is_a_failed_one_if_there_is_any()
    {
        var result = ParityResult.From("mixed", [new("loose", 0.5, 1), new("tight", 0.1, 0.01), new("fine", 0, 0)]);
        Assert.Equal((false, 0.1, "tight"), (result.Passed, result.WorstError, result.WorstTensor));
    }

    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);

    private void Change(string fixture, string file, string golden, string changed)
    {
        var text = File.ReadAllText(Path.Combine(Fixture(fixture), file));
        var at = text.IndexOf(golden, StringComparison.Ordinal);
        Assert.True(at >= 0, $"'{golden}' is not in {file}.");
        File.WriteAllText(Path.Combine(folder, file), string.Concat(text.AsSpan(0, at), changed, text.AsSpan(at + golden.Length)));
    }
}
