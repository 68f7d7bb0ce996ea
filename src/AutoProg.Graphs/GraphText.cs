using System.Globalization;
using System.Text;

namespace AutoProg.Graphs;

/// <summary>Prints graphs for people: a line per input, parameter, node and output. Not meant to be read back.</summary>
public static class GraphText
{
    private const int MostElementsShown = 8;

    /// <summary>The graph as text, e.g. <c>Gemm = Gemm(x, w) transB=1 : Float[8, 10]</c>. Small constants are written where they are read.</summary>
    public static string Of(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var text = new StringBuilder();
        foreach (var input in graph.Inputs)
        {
            text.Append("input ").Append(input).Append('\n');
        }

        foreach (var parameter in graph.Parameters)
        {
            text.Append("parameter ").Append(parameter).Append('\n');
        }

        foreach (var node in graph.Nodes)
        {
            text.Append(Line(node)).Append('\n');
        }

        foreach (var (name, value) in graph.Outputs)
        {
            text.Append("output ").Append(name).Append(" = ").Append(Operand(value)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>One node as text.</summary>
    public static string Line(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        var results = string.Join(", ", node.Outputs.Select(o => Operand(o)));
        var attributes = string.Concat(node.Attributes.Select(a => $" {a.Key}={Attribute(a.Value)}"));
        var types = string.Join(", ", node.Outputs.Select(o => $"{o.Type}{o.Shape}"));
        return $"{results} = {node.Operator}({string.Join(", ", node.Inputs.Select(Operand))}){attributes} : {types}";
    }

    private static string Operand(Value? value) => value switch
    {
        null => "-",
        { Constant: { } constant } when constant.Shape.ElementCount <= MostElementsShown && constant.Type is not (ElementType.Float16 or ElementType.BFloat16) =>
            Elements(constant),
        { Producer.Outputs.Count: 1 } => value.Producer.Name,
        _ => value.Name,
    };

    private static string Elements(Tensor constant)
    {
        var elements = string.Join(", ", constant.Doubles().Select(d => (constant.Type == ElementType.Float ? (float)d : d).ToString("G7", CultureInfo.InvariantCulture)));
        return constant.Shape.Rank == 0 ? elements : $"{{{elements}}}";
    }

    private static string Attribute(object value) => value switch
    {
        long[] longs => $"[{string.Join(", ", longs)}]",
        float[] floats => $"[{string.Join(", ", floats.Select(f => f.ToString("G7", CultureInfo.InvariantCulture)))}]",
        float number => number.ToString("G7", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
