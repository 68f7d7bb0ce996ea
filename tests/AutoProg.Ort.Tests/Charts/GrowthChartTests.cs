using System.Globalization;
using System.Xml.Linq;
using AutoProg.Ort.Charts;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;

namespace AutoProg.Ort.Tests.Charts;

public sealed class GrowthChartTests : InTemporaryFolder
{
    private static readonly EpochMetrics[] Epochs =
    [
        new(0, 1, 64, 3, 2.3, null, null, null, 1e-3, 1, 0, 0),
        new(1, 1, 64, 3, 2.0, 1.9, 20, 60, 1e-3, 1, 0, 0),
        new(2, 2, 96, 6, 1.5, 1.4, 45, 80, 1e-3, 1, 0, 0),
        new(3, 2, 96, 6, double.NaN, null, null, null, 1e-3, 1, 0, 0),
    ];

    [Fact]
    public void Curves_hold_what_was_measured_and_leave_out_what_was_not()
    {
        var curves = XDocument.Parse(GrowthChart.Draw("a <run> & more", Epochs)).Descendants().Where(static e => e.Name.LocalName == "polyline").Select(Points).ToList();
        Assert.Equal([8, 8, 3, 2, 2], curves.Select(static c => c.Count));

        // Resolution and depth step up together at the same epoch, in the middle of the picture.
        Assert.Equal(curves[0][4].X, curves[1][4].X);
        Assert.Equal((curves[0][0].X + curves[0][^1].X) / 2, curves[0][4].X, 0.2);
        Assert.True(curves[0][3].Y > curves[0][4].Y, "A larger resolution stands higher.");
        Assert.True(curves[2][0].Y < curves[2][2].Y, "A smaller loss stands lower.");
        Assert.True(curves[4][0].Y > curves[4][1].Y, "A larger accuracy stands higher.");
    }

    [Fact]
    public void Texts_are_escaped_and_tell_the_scales()
    {
        var texts = XDocument.Parse(GrowthChart.Draw("a <run> & more", Epochs)).Descendants().Where(static e => e.Name.LocalName == "text").Select(static e => e.Value).ToList();
        Assert.Contains("a <run> & more", texts);
        Assert.Contains("64", texts);
        Assert.Contains("96", texts);
        Assert.Contains("epoch 4", texts);
    }

    [Fact]
    public void A_run_without_epochs_and_one_of_constant_size_can_be_drawn()
    {
        XDocument.Parse(GrowthChart.Draw("empty", []));
        XDocument.Parse(GrowthChart.Draw("one", Epochs[..1]));
    }

    [Fact]
    public void A_finished_run_has_its_picture()
    {
        var run = TinyRuns.Train(Folder);
        Assert.Equal("svg", XDocument.Load(Path.Combine(run, "growth.svg")).Root!.Name.LocalName);
        Assert.Equal(At("copy.svg"), GrowthChart.Write(run + Path.DirectorySeparatorChar, At("copy.svg")));
        Assert.Equal(File.ReadAllText(Path.Combine(run, "growth.svg")), File.ReadAllText(At("copy.svg")));
    }

    private static List<(double X, double Y)> Points(XElement curve) =>
        [.. curve.Attribute("points")!.Value.Split(' ').Select(static point => point.Split(',')).Select(static p => (double.Parse(p[0], CultureInfo.InvariantCulture), double.Parse(p[1], CultureInfo.InvariantCulture)))];
}
