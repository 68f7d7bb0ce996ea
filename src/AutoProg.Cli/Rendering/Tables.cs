using Spectre.Console;
using Spectre.Console.Rendering;

namespace AutoProg.Cli;

/// <summary>Tables that look alike in every verb.</summary>
internal static class Tables
{
    /// <summary>A table that fits into 80 columns. A heading that begins with "#" is a column of numbers, flush right; one that ends with "~" may be broken into lines.</summary>
    public static Table Create(params IEnumerable<string> headings)
    {
        var table = new Table { Border = TableBorder.Simple };
        foreach (var heading in headings)
        {
            var column = new TableColumn(Markup.Escape(heading.Trim('#', '~'))) { NoWrap = !heading.EndsWith('~'), Padding = new Padding(0, 0, 1, 0) };
            table.AddColumn(heading.StartsWith('#') ? column.RightAligned() : column);
        }

        return table;
    }

    /// <summary>A table below its title.</summary>
    public static IRenderable Titled(this Table table, string title) => new Rows(new Spectre.Console.Text(title, new Style(decoration: Decoration.Bold)), table);

    /// <summary>Adds a row of plain text.</summary>
    public static Table Row(this Table table, params IEnumerable<string> cells) => table.AddRow([.. cells.Select(Markup.Escape)]);

    /// <summary>Names with values, without a frame.</summary>
    public static Grid Facts(params IEnumerable<(string Name, string Value)> facts)
    {
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true, Padding = new Padding(0, 0, 2, 0) }).AddColumn(new GridColumn { Padding = new Padding(0, 0, 0, 0) });
        foreach (var (name, value) in facts)
        {
            grid.AddRow(Markup.Escape(name), Markup.Escape(value));
        }

        return grid;
    }
}
