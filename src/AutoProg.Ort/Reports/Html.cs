using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace AutoProg.Ort.Reports;

/// <summary>Elements of a page. Text that comes from files goes through <see cref="Safe"/>; the writer escapes it.</summary>
internal static class Html
{
    private const int LongestText = 300;

    public static XElement Element(string name, params object?[] content) => new(name, content);

    public static XAttribute Class(string name) => new("class", name);

    /// <summary>A section with a heading and, if it needs one, an explanation.</summary>
    public static XElement Section(string heading, string? explanation, params object?[] content) =>
        new("section", new XElement("h2", heading), explanation is null ? null : new XElement("p", Class("hint"), explanation), content);

    /// <summary>A table; headings that begin with "#" stand above numbers.</summary>
    public static XElement Table(IReadOnlyList<string> headings, IEnumerable<IReadOnlyList<object?>> rows) => new(
        "div",
        Class("scroll"),
        new XElement(
            "table",
            new XElement("thead", new XElement("tr", headings.Select(static h => new XElement("th", new XAttribute("scope", "col"), Kind(h), h.TrimStart('#'))))),
            new XElement("tbody", rows.Select(row => new XElement("tr", row.Select((cell, i) => new XElement("td", Kind(headings[i]), cell ?? "")))))));

    /// <summary>Names with values.</summary>
    public static XElement Facts(IEnumerable<(string Name, string? Value)> facts) => new(
        "dl", facts.Where(static fact => !string.IsNullOrEmpty(fact.Value)).Select(static fact => new[] { new XElement("dt", fact.Name), new XElement("dd", Safe(fact.Value!)) }));

    /// <summary>Something longer that is shown when asked for.</summary>
    public static XElement Details(string summary, params object?[] content) => new("details", new XElement("summary", summary), content);

    /// <summary>Text of unknown origin: of bounded length, without characters that no page may hold.</summary>
    public static string Safe(string text, int longest = LongestText)
    {
        var safe = new StringBuilder(Math.Min(text.Length, longest));
        for (var i = 0; i < text.Length && safe.Length < longest; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                safe.Append(text, i++, 2);
            }
            else
            {
                safe.Append(XmlConvert.IsXmlChar(text[i]) ? text[i] : '\uFFFD');
            }
        }

        return text.Length > safe.Length ? safe + "..." : safe.ToString();
    }

    /// <summary>With so many decimals; a dash for nothing.</summary>
    public static string Number(double? value, int decimals) => value?.ToString($"N{decimals}", CultureInfo.InvariantCulture) ?? "–";

    /// <summary>The whole document. Elements without content are written with an end tag, as HTML wants it, by <see cref="GiveEndTags"/>.</summary>
    public static string Document(XElement html)
    {
        var text = new StringBuilder("<!DOCTYPE html>\n");
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, IndentChars = " ", NewLineChars = "\n", ConformanceLevel = ConformanceLevel.Fragment }))
        {
            GiveEndTags(html);
            html.WriteTo(writer);
        }

        return text.Append('\n').ToString();
    }

    private static void GiveEndTags(XElement html)
    {
        foreach (var element in html.Descendants().Where(static e => e.IsEmpty && e.Name.NamespaceName.Length == 0 && e.Name.LocalName != "meta"))
        {
            element.Value = "";
        }
    }

    private static XAttribute? Kind(string heading) => heading.StartsWith('#') ? Class("number") : null;
}
