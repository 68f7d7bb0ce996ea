using System.Globalization;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Training;

public sealed class CultureTests : InTemporaryFolder
{
    [Fact]
    public void A_host_that_writes_numbers_with_a_comma_gets_the_files_of_every_other_host()
    {
        var expected = TinyRuns.Train(Folder, name: "point");
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        comma.NumberFormat.NumberDecimalSeparator = ",";
        var before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = comma;
        string actual;
        try
        {
            actual = TinyRuns.Train(Folder, name: "comma");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }

        Assert.Contains(FilesOf(expected), static file => file.EndsWith("ema-0.9.safetensors", StringComparison.Ordinal));
        Assert.Equal(FilesOf(expected), FilesOf(actual));
        Assert.Equal(File.ReadAllText(Path.Combine(expected, "recipe.yaml")), File.ReadAllText(Path.Combine(actual, "recipe.yaml")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(expected, "export", "model.safetensors")), File.ReadAllBytes(Path.Combine(actual, "export", "model.safetensors")));
    }

    private static IEnumerable<string> FilesOf(string run) =>
        Directory.EnumerateFiles(run, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(run, file)).Order(StringComparer.Ordinal);
}
