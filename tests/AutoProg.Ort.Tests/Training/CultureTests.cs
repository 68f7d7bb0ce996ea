using System.Globalization;
using AutoProg.Ort.Runtime.Optimizers;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class CultureTests : InTemporaryFolder
{
    [Fact]
    public void A_host_that_writes_numbers_with_a_comma_gets_the_files_of_every_other_host()
    {
        var expected = TinyRuns.Train(Folder, name: "point");
        var actual = WithComma(() => TinyRuns.Train(Folder, name: "comma"));

        Assert.Contains(FilesOf(expected), static file => file.EndsWith("ema-0.9.safetensors", StringComparison.Ordinal));
        Assert.Equal(FilesOf(expected), FilesOf(actual));
        Assert.Equal(File.ReadAllText(Path.Combine(expected, "recipe.yaml")), File.ReadAllText(Path.Combine(actual, "recipe.yaml")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(expected, "export", "model.safetensors")), File.ReadAllBytes(Path.Combine(actual, "export", "model.safetensors")));
    }

    [Fact]
    public void What_is_said_is_the_same_under_every_host()
    {
        var result = new FrechetResult(1.5, Samples: 10_000, Reference: 5_000, "model.onnx:features", new string('a', 64), "ddim, 50 steps", "online");

        Assert.Equal("10,000 samples (ddim, 50 steps, online) against 5,000 images, features model.onnx:features (aaaaaaaa)", WithComma(() => result.Basis));
        Assert.Contains(" -0.5 is outside ", WithComma(() => Assert.Throws<ArgumentOutOfRangeException>(static () => new AdamW(weightDecay: -0.5)).Message), StringComparison.Ordinal);
    }

    private static T WithComma<T>(Func<T> call)
    {
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (comma.NumberFormat.NumberDecimalSeparator, comma.NumberFormat.NumberGroupSeparator) = (",", ".");
        var before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = comma;
        try
        {
            return call();
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static IEnumerable<string> FilesOf(string run) =>
        Directory.EnumerateFiles(run, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(run, file)).Order(StringComparer.Ordinal);
}
