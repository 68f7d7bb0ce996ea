using AutoProg.Ort.Parity;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Parity;

public sealed class OptimizerCheckTests : InTemporaryFolder
{
    [Theory]
    [InlineData("\"decay\": 0.998", "\"decay\": 0.9985", "ema.step5")]
    [InlineData("\"nesterov\": true", "\"nesterov\": false", "sgd_nesterov.step")]
    [InlineData("\"eps\": 1e-08", "\"eps\": 1e-06", "adamw.step")]
    [InlineData("\"weight_decay\": 0.05", "\"weight_decay\": 0.051", "adamw.step")]
    public void A_changed_setting_is_noticed(string setting, string changed, string worst)
    {
        Copy(setting, changed);
        var result = FixtureChecks.All.Check(Folder);
        Assert.False(result.Passed);
        Assert.StartsWith(worst, result.WorstTensor, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"steps\": 5", "\"steps\": 6", "inputs.safetensors: holds no tensor 'grad.step6.0'.")]
    [InlineData("\"steps\": 5", "\"steps\": 4", "expected.safetensors: tensor 'adamw.state.exp_avg.0'", false)]
    [InlineData("\"steps\": 5", "\"steps\": 2000000000", "model.json: config.steps is missing or no whole number from 1 to 1000.")]
    [InlineData("\"momentum\": 0.9,\n   \"weight_decay\": 0.0,\n   \"nesterov\": true", "\"weight_decay\": 0.0", "model.json: config.sgd_nesterov is no update rule")]
    [InlineData("\"betas\": [\n    0.9,", "\"betas\": [\n    1.9,", "model.json: config.adamw: ")]
    [InlineData("\"lr\": 0.001", "\"lt\": 0.001", "model.json: config.adamw: ")]
    public void A_malformed_table_is_named_by_place(string text, string changed, string finding, bool exact = true)
    {
        Copy(text, changed);
        var error = Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder));
        Assert.StartsWith(Folder, error.Message, StringComparison.Ordinal);
        Assert.Contains(exact ? finding : "is not known; expected <rule>.step<k>.<i>", error.Message, StringComparison.Ordinal);
    }

    private void Copy(string text, string changed)
    {
        var golden = Path.Combine(AppContext.BaseDirectory, "Fixtures", "optim_a1");
        foreach (var file in new[] { "inputs.safetensors", "expected.safetensors" })
        {
            File.Copy(Path.Combine(golden, file), At(file));
        }

        var model = File.ReadAllText(Path.Combine(golden, "model.json"));
        var at = model.IndexOf(text, StringComparison.Ordinal);
        Assert.True(at >= 0);
        File.WriteAllText(At("model.json"), string.Concat(model.AsSpan(0, at), changed, model.AsSpan(at + text.Length)));
    }
}
