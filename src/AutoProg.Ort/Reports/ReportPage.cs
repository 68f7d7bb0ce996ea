using System.Globalization;
using System.Xml.Linq;
using AutoProg.Ort.Charts;
using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Training;
using static AutoProg.Ort.Reports.Html;

namespace AutoProg.Ort.Reports;

/// <summary>The page: figures first, then how they came about, then what they belong to.</summary>
internal static class ReportPage
{
    private const int MostPictures = 60;

    public static string Of(ReportContent content, DateTimeOffset now)
    {
        var title = Safe($"{content.Title}: {content.Runs.Count} {(content.Runs.Count == 1 ? "run" : "runs")}");
        return Document(Element(
            "html",
            new XAttribute("lang", "en"),
            Element(
                "head",
                Element("meta", new XAttribute("charset", "utf-8")),
                Element("meta", new XAttribute("http-equiv", "Content-Security-Policy"), new XAttribute("content", ReportStyle.Policy)),
                Element("meta", new XAttribute("name", "viewport"), new XAttribute("content", "width=device-width, initial-scale=1")),
                Element("title", title),
                Element("style", ReportStyle.Sheet)),
            Element(
                "body",
                Element(
                    "main",
                    Element("header", Element("h1", title), Element("p", $"autoprog report, {now.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)}")),
                    Results(content),
                    Section(
                        "Over runtime",
                        "A line per run. Runtime is training and search; evaluation and waiting for data are apart. Dotted: the supernet of a search. Thick losses are means over epochs, thin ones over the steps of a log line.",
                        Legend(content.Groups),
                        Element("figure", Class("runtime"), ReportCharts.OverRuntime(content.Groups))),
                    Searches(content),
                    Runs(content),
                    Origins(content)))));
    }

    private static XElement Results(ReportContent content)
    {
        var results = content.Groups.Select(static group => group.Result).OfType<PolicyResult>().ToList();
        (string Name, Func<PolicyResult, ComparedFigure?> Of, string Format)[] figures =
        [
            .. new (string Name, Func<PolicyResult, ComparedFigure?> Of, string Format)[]
            {
                ("#top-1 (%)", static r => r.Top1, "F2"), ("#loss", static r => r.Loss, "F4"), ("#Frechet distance", static r => r.Frechet, "F2"),
            }.Where(figure => results.Exists(r => figure.Of(r) is not null)),
        ];
        var rows = content.Groups.Select(group => (IReadOnlyList<object?>)
        [
            Key(group), $"{group.Runs.Count}{(group.Runs.Any(static r => r.Summary is null) ? $" ({group.Runs.Count(static r => r.Summary is null)} unfinished)" : "")}",
            Number(group.Result?.RuntimeSeconds, 1), Percent(group.Result?.SpeedupPercent), .. figures.Select(f => group.Result is { } r ? f.Of(r)?.Text(f.Format) ?? "–" : "–"),
            string.Join(", ", group.Result?.Weights.Select(static w => Safe(w)) ?? []), Number(group.Result?.Steps, 0),
        ]);
        return Section(
            "Results",
            "Means over finished runs, ± standard deviation over seeds. Speedup is runtime of original / runtime of the policy - 1. Figures are those of the last evaluation.",
            Table(["policy", "#runs", "#runtime (s)", "#speedup", .. figures.Select(static f => f.Name), "weights", "#steps"], rows),
            content.Differences.Select(static difference => Element("p", Class("warning"), Safe(difference, 1000))));
    }

    private static XElement Legend(IReadOnlyList<ReportedGroup> groups) => Element("ul", Class("legend"), groups.Select(static group => Element("li", Key(group))));

    private static object[] Key(ReportedGroup group) => [Element("span", Class($"key {SvgColors.ClassOf(group.Color)}")), Safe(group.Name)];

    private static XElement? Searches(ReportContent content)
    {
        var decisions = content.Groups.SelectMany(static group => group.Runs.SelectMany(run => run.Decisions.Select(decision => (Group: group, Run: run, Decision: decision)))).ToList();
        var shown = decisions.Where(static d => d.Decision.Candidates.Count > 0).Take(MostPictures).ToList();
        return shown.Count == 0 ? null : Section(
            "Searches",
            "Every candidate; the winner has a ring. On the thin line a candidate would have scored like the winner, and below it better (loss x time^alpha). Point at a dot to read its figures."
            + (shown.Count < decisions.Count ? $" The first {shown.Count} of {decisions.Count} searches." : ""),
            Element("div", Class("pictures"), shown.Select(static d => Element(
                "figure",
                Class("search"),
                Element("figcaption", Key(d.Group), $", seed {d.Run.Seed}: stage {d.Decision.Stage + 1} from {d.Decision.From?.ToString() ?? "start"}, {d.Decision.Winner} wins{Alpha(d.Decision)}"),
                ReportCharts.Search(d.Decision, d.Group.Color),
                Details("figures", Candidates(d.Decision))))));
    }

    private static string Alpha(SearchDecision decision) => decision.BalancingFactor is { } alpha ? string.Create(CultureInfo.InvariantCulture, $" (alpha {alpha:F4})") : "";

    private static XElement Candidates(SearchDecision decision) => ReportCharts.IsZeroShot(decision)
        ? Table(
            ["", "candidate", "#step (ms)", "#kappa", "#ZiCo", "#ranks", "#sum"],
            decision.Candidates.Select(c => (IReadOnlyList<object?>)
            [
                c.SubNetwork == decision.Winner ? "★" : "", $"{c.SubNetwork}", Number(1000 * c.StepTime, 1), Number(c.Proxies?.Kappa, 1), Number(c.Proxies?.ZiCo, 1),
                c.Proxies is { } p ? $"{p.TimeRank} {p.KappaRank} {p.ZiCoRank}" : "–", Number(c.Score, 1),
            ]))
        : Table(
            ["", "candidate", "#loss", "#step (ms)", "#score", ""],
            decision.Candidates.Select(c => (IReadOnlyList<object?>)
            [
                c.SubNetwork == decision.Winner ? "★" : "", $"{c.SubNetwork}", Number(c.Loss, 4), Number(1000 * c.StepTime, 1), Number(c.Score, 4), Safe(c.Exclusion ?? ""),
            ]));

    private static XElement Runs(ReportContent content) => Section(
        "Runs",
        "Seconds. Runtime is train + search + bookkeeping; evaluation and waiting for data come on top. Supernets of searches in parentheses.",
        Table(
            ["run", "policy", "#seed", "state", "#runtime", "#train", "#search", "#book-keeping", "#evaluation", "#data wait", "final", "stages"],
            content.Runs.Select(static run => (IReadOnlyList<object?>)
            [
                Safe(run.FolderName), Safe(run.Start.Policy), $"{run.Seed}", State(run), Number(run.Times.Runtime, 1), Number(run.Times.Train, 1), Number(run.Times.Search, 1), Number(run.Times.Bookkeeping, 1),
                Number(run.Times.Evaluation, 1), Number(run.Times.DataWait, 1), Final(run), string.Join(" → ", run.Stages.Take(40).Select(static s => s.IsSearch ? $"({s.Network})" : $"{s.Network}")),
            ])));

    private static string State(ReportedRun run) =>
        $"{(run.Summary is null ? "unfinished" : "finished")}, {Number(run.Steps, 0)} steps{(run.Resumptions > 0 ? $", resumed {run.Resumptions} {(run.Resumptions == 1 ? "time" : "times")}" : "")}";

    private static string Final(ReportedRun run) => string.Join(", ", new[]
    {
        run.Final is { } final ? $"{final.Headline} ({Safe(final.Weights)})" : null,
        run.Summary?.Best is { } best && best != run.Final ? $"best {best.Headline} in epoch {run.Summary.BestEpoch}" : null,
        run.Summary?.Frechet is { } frechet ? $"Frechet distance {Number(frechet.Distance, 2)}: {Safe(frechet.Basis)}" : null,
    }.OfType<string>());

    /// <summary>What the figures belong to: machine, versions, images, recipes. What several runs share is told once.</summary>
    private static XElement Origins(ReportContent content) => Section(
        "Environment and data",
        "Figures belong to these versions, this machine and these images. A fingerprint is a SHA-256 over labels and contents: equal ones mean equal images, wherever they lie.",
        Shared(content, static run => (run.Environment is { } e ? string.Join('\n', Environment(run, e)) : "", run.Start.Threads), static run => Facts(run.Environment is { } environment ? Environment(run, environment) : [("environment", "not recorded by this run")])),
        Element("h3", "Images"),
        Table(
            ["seeds", "use", "name", "#images", "#classes", "fingerprint"],
            content.Runs.GroupBy(static run => run.Data).SelectMany(static group => group.Key is not { } data ? [] : new[] { ("training", data.Training), ("evaluation", data.Evaluation) }.Select(d => (IReadOnlyList<object?>)
            [
                string.Join(", ", group.Select(static run => run.Seed).Distinct().Take(20)), d.Item1, Safe(d.Item2.Name), Number(d.Item2.Images, 0), Number(d.Item2.Classes, 0), Fingerprint(d.Item2),
            ]))),
        content.Runs.Select(static run => Details($"recipe of {Safe(run.FolderName)}", Element("pre", Safe(run.Recipe, int.MaxValue)))));

    private static XElement Fingerprint(DatasetFingerprint data) => Element("code", new XAttribute("title", Safe(data.Sha256)), Safe(data.Sha256, 16));

    private static IEnumerable<XElement> Shared<TKey>(ReportContent content, Func<ReportedRun, TKey> of, Func<ReportedRun, XElement> show)
    {
        var groups = content.Runs.GroupBy(of).ToList();
        return groups.SelectMany(group => groups.Count == 1 ? [show(group.First())] : new[] { Element("h3", Safe(string.Join(", ", group.Select(static run => run.FolderName)))), show(group.First()) });
    }

    private static IEnumerable<(string Name, string? Value)> Environment(ReportedRun run, Runs.RunEnvironment environment) =>
    [
        ("processor", environment.Processor),
        ("threads", run.Start.Threads == 0 ? null : $"{run.Start.Threads} of {environment.Cores}"),
        ("device", run.Start.Device),
        ("SIMD", string.Join(", ", environment.Simd)),
        ("memory", $"{Number(environment.MemoryMb, 0)} MiB"),
        ("system", $"{environment.OperatingSystem} ({environment.Architecture})"),
        ("AutoProg.Ort", environment.Product),
        ("ONNX Runtime", $"{environment.OnnxRuntime} ({environment.OrtFlavor}; {string.Join(", ", environment.ExecutionProviders)})"),
        (".NET", environment.DotNet),
        ("packages", string.Join(", ", environment.Packages.Take(50).Select(static p => $"{p.Key} {p.Value}"))),
    ];

    private static string Percent(double? value) => value?.ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) + (value is null ? "–" : " %");
}
