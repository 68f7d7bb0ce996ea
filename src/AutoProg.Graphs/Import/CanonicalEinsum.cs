namespace AutoProg.Graphs.Import;

/// <summary>Einsum as products of stacks of matrices.</summary>
internal static class CanonicalEinsum
{
    private const int MostOperands = 16;

    public static IReadOnlyDictionary<string, CanonicalRule> Rules { get; } = new Dictionary<string, CanonicalRule>(StringComparer.Ordinal)
    {
        ["Einsum"] = static (b, n) => [Einsum(b, n)],
    };

    private static Value Einsum(GraphBuilder b, ForeignNode n)
    {
        var equation = n.Attributes.Text("equation", "");
        var sides = equation.Replace(" ", "", StringComparison.Ordinal).Split("->");
        var terms = sides[0].Split(',');
        if (sides.Length > 2 || terms.Length != n.Inputs.Count || terms.Length > MostOperands)
        {
            throw Refused(equation, $"a term for each of {n.Inputs.Count} operands and at most one '->' are needed");
        }

        var operands = terms.Select((term, i) => new Labelled(n.Input(i), Expanded(term, n.Input(i).Shape.Rank, equation))).ToList();
        var result = sides.Length == 2 ? Expanded(sides[1], EllipsisRank(terms, operands) + sides[1].Replace("...", "", StringComparison.Ordinal).Length, equation) : Implicit(operands);
        if (result.Any(label => !operands.Exists(o => o.Labels.Contains(label))))
        {
            throw Refused(equation, "the result has an index that no operand has");
        }

        var product = operands[0];
        for (var i = 1; i < operands.Count; i++)
        {
            var later = operands.Skip(i + 1).SelectMany(static o => o.Labels).Concat(result).ToHashSet();
            product = Product(b, product, operands[i], later);
        }

        product = Summed(b, product, result.ToHashSet());
        return Arranged(b, product, result).Value;
    }

    /// <summary>The labels of a term; those of an ellipsis are capital Greek letters, counted from the last axis.</summary>
    private static string Expanded(string term, int rank, string equation)
    {
        var letters = term.Replace("...", "", StringComparison.Ordinal);
        var free = term.Contains("...", StringComparison.Ordinal) ? rank - letters.Length : 0;
        if (free < 0 || letters.Length + free != rank || !letters.All(char.IsAsciiLetter) || letters.Distinct().Count() != letters.Length)
        {
            throw Refused(equation, $"the term '{UntrustedText.Shown(term)}' does not name each of {rank} axes once");
        }

        return term.Replace("...", string.Concat(Enumerable.Range(0, free).Reverse().Select(static i => (char)('\u0391' + i))), StringComparison.Ordinal);
    }

    private static int EllipsisRank(string[] terms, List<Labelled> operands) =>
        terms.Select((term, i) => term.Contains("...", StringComparison.Ordinal) ? operands[i].Labels.Length - (term.Length - 3) : 0).Max();

    /// <summary>Without '->' the result has the indices that occur once, in alphabetical order, behind those of the ellipsis.</summary>
    private static string Implicit(List<Labelled> operands)
    {
        var counts = operands.SelectMany(static o => o.Labels).GroupBy(static label => label).ToDictionary(static g => g.Key, static g => g.Count());
        return string.Concat(counts.Keys.Where(static l => !char.IsAscii(l)).OrderDescending().Concat(counts.Where(static c => char.IsAscii(c.Key) && c.Value == 1).Select(static c => c.Key).Order()));
    }

    /// <summary>
    /// The product of two operands, summed over what nothing needs later: indices of both that are needed stack matrices, those that are not are summed over, and what
    /// one operand has alone are rows or columns.
    /// </summary>
    private static Labelled Product(GraphBuilder b, Labelled left, Labelled right, HashSet<char> later)
    {
        left = Summed(b, left, [.. later, .. right.Labels]);
        right = Summed(b, right, [.. later, .. left.Labels]);
        var both = left.Labels.Intersect(right.Labels).ToList();
        string stacked = string.Concat(both.Where(later.Contains)), inner = string.Concat(both.Where(l => !later.Contains(l)));
        string rows = string.Concat(left.Labels.Except(both)), columns = string.Concat(right.Labels.Except(both));
        var sizes = left.Sizes.Concat(right.Sizes).GroupBy(static s => s.Key).ToDictionary(static g => g.Key, static g => g.Max(static s => s.Value)); // an axis of 1 is repeated
        long Count(string labels) => labels.Aggregate(1L, (product, label) => product * sizes[label]);

        Value Matrices(Labelled x, string order, long first, long second)
        {
            var arranged = Arranged(b, x, order).Value;
            return b.Reshape(b.Expand(arranged, Shape.Of([.. order.Select(label => sizes[label])])), [Count(stacked), first, second]);
        }

        var product = b.MatMul(Matrices(left, stacked + rows + inner, Count(rows), Count(inner)), Matrices(right, stacked + inner + columns, Count(inner), Count(columns)));
        var labels = stacked + rows + columns;
        return new Labelled(b.Reshape(product, Shape.Of([.. labels.Select(label => sizes[label])])), labels);
    }

    private static Labelled Summed(GraphBuilder b, Labelled x, HashSet<char> needed)
    {
        long[] axes = [.. Enumerable.Range(0, x.Labels.Length).Where(i => !needed.Contains(x.Labels[i])).Select(static i => (long)i)];
        return axes.Length == 0 ? x : new Labelled(b.ReduceSum(x.Value, axes), string.Concat(x.Labels.Where(needed.Contains)));
    }

    private static Labelled Arranged(GraphBuilder b, Labelled x, string order) =>
        x.Labels == order ? x : new Labelled(b.Transpose(x.Value, [.. order.Select(label => (long)x.Labels.IndexOf(label))]), order);

    private static GraphException Refused(string equation, string reason) => new($"equation '{UntrustedText.Shown(equation)}' is not supported: {reason}.");

    /// <summary>An operand with a letter per axis.</summary>
    private sealed record Labelled(Value Value, string Labels)
    {
        public IEnumerable<KeyValuePair<char, long>> Sizes => Labels.Select((label, axis) => KeyValuePair.Create(label, Value.Shape[axis]));
    }
}
