using System.Diagnostics;
using System.Text.RegularExpressions;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Reports;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;
using SkiaSharp;

namespace AutoProg.Ort.Tests.Reports;

public sealed class ReportInBrowserTests : InTemporaryFolder
{
    private const int Width = 1200;
    private const int Height = 2400;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [ChromiumFact]
    public void A_browser_draws_every_policy_in_its_colour_and_marks_the_winners()
    {
        var comparison = new ComparisonPlan(TinyRecipes.Of(GrowthPolicyKind.AutoprogOne), [new PolicyVariant(GrowthPolicyKind.Original), new PolicyVariant(GrowthPolicyKind.AutoprogOne)], [1]);
        PolicyComparison.Run(comparison, new TrainerOptions { Output = Folder, Experiment = "both" });
        var page = new Uri(RunReport.Write([At("both")]).Page).AbsoluteUri;

        var dom = Browse("--dump-dom", page);
        Assert.Equal(5, Regex.Count(dom, "<section>"));
        Assert.Equal(3, Regex.Count(dom, "<circle[^>]* class=\"c1 dot winner\""));
        Assert.DoesNotContain("&lt;", dom[..dom.IndexOf("</style>", StringComparison.Ordinal)]);

        Browse($"--screenshot={At("page.png")}", $"--window-size={Width},{Height}", page);
        using var picture = SKBitmap.Decode(At("page.png"));
        Assert.Equal((Width, Height), (picture.Width, picture.Height));

        // Staircases, curves and dots, in the colours of a light page. The baseline's curves are as long as it took, a small part of the width here; its keys alone have 144 pixels.
        Assert.InRange(Count(picture, new SKColor(0x00, 0x72, 0xb2)), 250, 100_000);
        Assert.InRange(Count(picture, new SKColor(0xd5, 0x5e, 0x00)), 1000, 100_000);
        Assert.Equal(0, Count(picture, new SKColor(0x00, 0x9e, 0x73)));
    }

    private static int Count(SKBitmap picture, SKColor color) =>
        picture.Pixels.Count(pixel => Math.Abs(pixel.Red - color.Red) + Math.Abs(pixel.Green - color.Green) + Math.Abs(pixel.Blue - color.Blue) < 12);

    private string Browse(params string[] arguments)
    {
        string[] quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1", $"--user-data-dir={At("profile")}"];
        using var browser = Process.Start(new ProcessStartInfo(ChromiumFactAttribute.Browser!, [.. quiet, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, messages) = (browser.StandardOutput.ReadToEndAsync(), browser.StandardError.ReadToEndAsync());
        if (!browser.WaitForExit(Patience))
        {
            browser.Kill(entireProcessTree: true);
            Assert.Fail($"The browser has not come back within {Patience}.");
        }

        Assert.True(browser.ExitCode == 0, $"The browser ended with {browser.ExitCode}: {messages.Result}");
        return output.Result;
    }
}
