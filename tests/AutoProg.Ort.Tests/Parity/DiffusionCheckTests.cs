using System.Runtime.InteropServices;
using AutoProg.Ort.Files;
using AutoProg.Ort.Parity;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Parity;

public sealed class DiffusionCheckTests : InTemporaryFolder
{
    [Fact]
    public void The_goldens_are_met_table_by_table_and_step_by_step()
    {
        var result = FixtureChecks.All.Check(Golden);
        Assert.DoesNotContain(result.Cases, static c => !c.Passed);
        Assert.True(result.Passed);

        // 2 x 14 tables in float64, 13 respacings, the guided output; 2 x (14 tables in float32, 10 steps, the network's output).
        Assert.Equal(28 + 13 + 1 + (2 * (14 + 10 + 1)), result.Cases.Count);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("x_start")]
    [InlineData("noise")]
    [InlineData("cfg.x")]
    public void An_input_that_is_off_by_one_percent_fails(string tensor)
    {
        Copy();
        Change("inputs.safetensors", tensor);
        Assert.False(FixtureChecks.All.Check(Folder).Passed);
    }

    [Theory]
    [InlineData("full.p_sample.sample")]
    [InlineData("full.ddim_sample.eta0.5.sample")]
    [InlineData("respaced50.p_mean_variance.log_variance")]
    [InlineData("respaced50.ddim_reverse_sample.sample")]
    [InlineData("full.posterior_variance")]
    [InlineData("cfg.output")]
    public void A_golden_that_is_off_by_one_percent_is_named(string tensor)
    {
        Copy();
        Change("expected.safetensors", tensor);
        var result = FixtureChecks.All.Check(Folder);
        Assert.Equal((false, tensor), (result.Passed, result.WorstTensor));
    }

    [Theory]
    [InlineData("\"ddim50\": [0, 20,", "\"ddim50\": [0, 21,", "tables_float64.json: space_timesteps_1000.ddim50")]
    [InlineData("0.9997800920720721", "0.9997800920820721", "tables_float64.json: full.alphas_cumprod")]
    public void A_changed_table_is_named(string golden, string changed, string worst)
    {
        Copy();
        Edit("tables_float64.json", golden, changed);
        var result = FixtureChecks.All.Check(Folder);
        Assert.False(result.Passed);
        Assert.Contains(result.Cases, c => !c.Passed && c.Name == worst);
    }

    [Theory]
    [InlineData("tables_float64.json", "\"betas\"", "\"bet\"", "tables_float64.json: full.bet is no table of a noise schedule.")]
    [InlineData("tables_float64.json", "\"space_timesteps_1000\"", "\"space_timesteps_many\"", "space_timesteps_many: expected space_timesteps_<steps>, 1 to 100000 of them.")]
    [InlineData("tables_float64.json", "\"ddim25\"", "\"ddim999\"", "space_timesteps_1000.ddim999: No integer stride over 1000 timesteps gives exactly 999 of them")]
    [InlineData("model.json", "\"cfg_scale\": 4.0,", "", "cfg_scale")]
    [InlineData("model.json", "\"steps\": 1000", "\"steps\": 1000000000", "diffusion.steps is 1000000000, expected 2 to 1000.")]
    [InlineData("model.json", "\"batch\": 3", "\"batch\": 2", "has shape [3, 4, 8, 8], expected [2, 4, 8, 8].")]
    [InlineData("expected.safetensors", "\"full.q_sample\"", "\"full.r_sample\"", "expected.safetensors: holds no tensor 'full.q_sample'.")]
    [InlineData("expected.safetensors", "\"full.betas\"", "\"full.betaz\"", "expected.safetensors: tensor 'full.betaz' is not known")]
    [InlineData("inputs.safetensors", "\"t_respaced50\"", "\"t_respaced51\"", "inputs.safetensors: holds no tensor 't_respaced50'.")]
    public void A_malformed_folder_is_named_by_file_and_place(string file, string text, string changed, string finding)
    {
        Copy();
        Edit(file, text, changed);
        var error = Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder));
        Assert.StartsWith(Folder, error.Message, StringComparison.Ordinal);
        Assert.Contains(finding, error.Message, StringComparison.Ordinal);
    }

    private static string Golden => Path.Combine(AppContext.BaseDirectory, "Fixtures", "diffusion_a1");

    private void Copy()
    {
        foreach (var file in Directory.EnumerateFiles(Golden))
        {
            File.Copy(file, At(Path.GetFileName(file)));
        }
    }

    private void Edit(string file, string text, string changed)
    {
        var bytes = File.ReadAllBytes(At(file));
        var at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(text));
        Assert.True(at >= 0, $"'{text}' is not in {file}.");
        File.WriteAllBytes(At(file), [.. bytes.AsSpan(0, at), .. System.Text.Encoding.UTF8.GetBytes(changed), .. bytes.AsSpan(at + text.Length)]);
    }

    private void Change(string file, string tensor)
    {
        SafetensorsEntry entry;
        using (var reader = SafetensorsReader.Open(At(file)))
        {
            entry = reader[tensor];
        }

        var bytes = File.ReadAllBytes(At(file));
        foreach (ref var element in MemoryMarshal.Cast<byte, float>(bytes.AsSpan((int)entry.Offset, (int)entry.ByteLength)))
        {
            element *= 1.01f;
        }

        File.WriteAllBytes(At(file), bytes);
    }
}
