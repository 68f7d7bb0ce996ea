namespace AutoProg.Ort.Reports;

/// <summary>How the page looks, in light and in dark. The colours of curves are those of the drawings, made lighter on a dark ground.</summary>
internal static class ReportStyle
{
    /// <summary>Nothing is loaded and nothing runs, whatever the files of a run hold.</summary>
    public const string Policy = "default-src 'none'; style-src 'unsafe-inline'";

    // Without characters that XML escapes: browsers do not resolve entities in style sheets.
    public const string Sheet = """

        :root { color-scheme: light dark; --paper: #ffffff; --ground: #f4f5f7; --ink: #1d2430; --soft: #667085; --line: #e3e6eb; --warn: #fff4d6; --warn-ink: #7a5200;
          --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #a64d88; --c4: #3a9bd9; --c5: #b07d00; --c6: #555f6b; }
        @media (prefers-color-scheme: dark) { :root { --paper: #181c23; --ground: #0f1217; --ink: #e4e7ec; --soft: #98a2b3; --line: #2c333e; --warn: #3a2f10; --warn-ink: #f5d77a;
          --c0: #56b4e9; --c1: #ff8a3d; --c2: #2fc796; --c3: #e08fc4; --c4: #8ecdf5; --c5: #e6b422; --c6: #aab4c0; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
        main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 64px; }
        header h1 { font-size: 26px; margin: 0; letter-spacing: -0.01em; }
        header p { color: var(--soft); margin: 4px 0 0; }
        section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 20px 24px; margin-top: 20px; }
        h2 { font-size: 17px; margin: 0 0 4px; } h3 { font-size: 14px; margin: 20px 0 4px; }
        .hint { color: var(--soft); font-size: 13px; margin: 0 0 12px; max-width: 90ch; }
        .warning { background: var(--warn); color: var(--warn-ink); border-radius: 8px; padding: 10px 14px; margin: 16px 0 0; font-size: 14px; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
        th { text-align: left; color: var(--soft); font-weight: 600; font-size: 12px; border-bottom: 1px solid var(--line); padding: 6px 14px 6px 0; white-space: nowrap; }
        td { border-bottom: 1px solid var(--line); padding: 7px 14px 7px 0; vertical-align: top; }
        tr:last-child td { border-bottom: none; }
        .number { text-align: right; white-space: nowrap; }
        .key { display: inline-block; width: 18px; height: 4px; border-radius: 2px; margin-right: 8px; vertical-align: middle; }
        .legend { display: flex; flex-wrap: wrap; gap: 4px 22px; font-size: 13px; margin: 0 0 8px; padding: 0; list-style: none; }
        .pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(430px, 1fr)); gap: 16px 28px; }
        @media (max-width: 560px) { .pictures { grid-template-columns: 1fr; } section { padding: 16px 14px; } }
        figure { margin: 0; } figcaption { font-size: 13px; color: var(--soft); }
        svg { width: 100%; height: auto; display: block; }
        .paper { fill: none; } .ink { fill: var(--ink); } .axis { stroke: var(--soft); } .grid { stroke: var(--line); }
        polyline.c0 { stroke: var(--c0); } polyline.c1 { stroke: var(--c1); } polyline.c2 { stroke: var(--c2); } polyline.c3 { stroke: var(--c3); }
        polyline.c4 { stroke: var(--c4); } polyline.c5 { stroke: var(--c5); } polyline.c6 { stroke: var(--c6); }
        text.c0, circle.c0 { fill: var(--c0); } text.c1, circle.c1 { fill: var(--c1); } text.c2, circle.c2 { fill: var(--c2); } text.c3, circle.c3 { fill: var(--c3); }
        text.c4, circle.c4 { fill: var(--c4); } text.c5, circle.c5 { fill: var(--c5); } text.c6, circle.c6 { fill: var(--c6); }
        .key.c0 { background: var(--c0); } .key.c1 { background: var(--c1); } .key.c2 { background: var(--c2); } .key.c3 { background: var(--c3); }
        .key.c4 { background: var(--c4); } .key.c5 { background: var(--c5); } .key.c6 { background: var(--c6); }
        circle.winner { stroke: var(--ink); stroke-width: 2; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 8px 0 0; font-size: 14px; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
        code, pre { font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; } pre { overflow-x: auto; margin: 8px 0 0; }
        details { margin-top: 14px; } summary { cursor: pointer; color: var(--soft); font-size: 14px; }

        """;
}
