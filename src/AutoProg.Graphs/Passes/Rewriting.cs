using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Passes;

/// <summary>A rewrite of one node into fewer or cheaper ones.</summary>
/// <param name="Name">What the log calls it.</param>
/// <param name="Rewrite">The value that replaces the node's only output, or null where the pattern does not match or a check says no.</param>
internal sealed record RewriteRule(string Name, Func<Node, Rewriting, Value?> Rewrite);

/// <summary>What rules did to a graph.</summary>
public sealed class RewriteLog
{
    private readonly SortedDictionary<string, int> fired = new(StringComparer.Ordinal);
    private readonly List<(string Rule, string Text)> refused = [];

    /// <summary>How often each rule fired, by name.</summary>
    public IReadOnlyDictionary<string, int> Fired => fired;

    /// <summary>Where a pattern matched and a check said no: rule, node and reason.</summary>
    public IReadOnlyList<string> Refused => [.. refused.Select(r => r.Text)];

    internal void Add(string rule) => fired[rule] = fired.GetValueOrDefault(rule) + 1;

    internal void Add(string rule, Node node, string reason) => refused.Add((rule, $"{rule} at {node}: {reason}"));

    /// <summary>Only the last walk's refusals say something about the graph that came out.</summary>
    internal void ForgetRefusals(IReadOnlyList<RewriteRule> rules) => refused.RemoveAll(r => rules.Any(rule => rule.Name == r.Rule));
}

/// <summary>One walk over a graph that offers each node to rules. Nothing is changed in place: what is replaced is left to <see cref="DeadCode"/>.</summary>
internal sealed class Rewriting
{
    private readonly Dictionary<Value, Value> replacements = [];
    private readonly Dictionary<Value, int> readers = [];
    private readonly Dictionary<Tensor, Value> constants = [];
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly List<Node> nodes = [];
    private readonly RewriteLog log;
    private string rule = "";

    private Rewriting(Graph graph, RewriteLog log)
    {
        this.log = log;
        foreach (var value in graph.Nodes.SelectMany(n => n.Inputs).Concat(graph.Outputs.Select(o => o.Value)).OfType<Value>())
        {
            readers[value] = readers.GetValueOrDefault(value) + 1;
        }

        foreach (var constant in graph.Constants)
        {
            constants.TryAdd(constant.Constant!, constant);
            names.Add(constant.Name);
        }

        names.UnionWith(graph.Nodes.Select(n => n.Name).Concat(graph.Inputs.Concat(graph.Parameters).Select(v => v.Name)));
    }

    /// <summary>Offers every node to the rules in their order, the first that fires wins, over and over until none fires.</summary>
    public static Graph Exhaust(Graph graph, IReadOnlyList<RewriteRule> rules, RewriteLog log)
    {
        // Every rule makes the graph smaller or moves towards a normal form, so this ends; the bound turns a faulty pair of rules into an error.
        for (var sweep = 0; sweep < 1000; sweep++)
        {
            log.ForgetRefusals(rules);
            var before = log.Fired.Values.Sum();
            graph = DeadCode.Remove(new Rewriting(graph, log).Sweep(graph, rules));
            if (log.Fired.Values.Sum() == before)
            {
                return graph;
            }
        }

        throw new InvalidOperationException($"The rewrites do not come to an end: {string.Join(", ", log.Fired.Select(f => $"{f.Key} {f.Value}"))}.");
    }

    /// <summary>Replaces whole nodes, each once, by nodes that give all of their outputs.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="expand">What replaces a node's outputs, in their order, or null where the node stays.</param>
    public static Graph Expand(Graph graph, Func<Node, Rewriting, IReadOnlyList<Value>?> expand)
    {
        var rewriting = new Rewriting(graph, new RewriteLog());
        foreach (var original in graph.Nodes)
        {
            var node = original.Reading(rewriting.replacements);
            if (expand(node, rewriting) is not { } results)
            {
                rewriting.Keep(original, node);
                continue;
            }

            foreach (var (old, result) in original.Outputs.Zip(results))
            {
                rewriting.Replace(old, result);
            }
        }

        return Pass.Replace(graph, rewriting.nodes, rewriting.replacements);
    }

    /// <summary>True if one node or output alone reads the value, so that what computes it may be changed for that reader's sake.</summary>
    public bool HasOneReader(Value value) => readers.GetValueOrDefault(value) <= 1;

    /// <summary>The reason why a rule whose pattern matched does not fire.</summary>
    public Value? No(Node node, string reason)
    {
        log.Add(rule, node, reason);
        return null;
    }

    /// <summary>A node in place of another, named after a node that it stands for.</summary>
    public Value Add(string op, Node namedAfter, IReadOnlyList<Value?> inputs, Attributes? attributes = null, string domain = "") => Add(op, namedAfter, inputs, 1, attributes, domain)[0];

    /// <summary>A node with several results in place of another, named after a node that it stands for.</summary>
    public IReadOnlyList<Value> Add(string op, Node namedAfter, IReadOnlyList<Value?> inputs, int outputCount, Attributes? attributes = null, string domain = "")
    {
        var name = namedAfter.Name;
        while (!names.Add(name))
        {
            name += "'";
        }

        var node = new Node(name, op, domain, inputs, attributes ?? Attributes.None);
        node.Outputs = [.. OperatorShapes.Infer(node, outputCount).Select((type, i) => new Value(ValueKind.Result, outputCount == 1 ? $"{name}:out" : $"{name}:{i}", type.Type, type.Shape) { Producer = node })];
        nodes.Add(node);
        foreach (var input in inputs.OfType<Value>())
        {
            readers[input] = readers.GetValueOrDefault(input) + 1;
        }

        return node.Outputs;
    }

    /// <summary>A value in another shape, named after a node that it stands for.</summary>
    public Value Reshape(Node namedAfter, Value x, Shape shape) => Add("Reshape", namedAfter, [x, Constant(Tensor.FromLongs([shape.Rank], shape.ToArray()))]);

    /// <summary>A constant; equal constants are one value.</summary>
    public Value Constant(Tensor tensor)
    {
        if (!constants.TryGetValue(tensor, out var value))
        {
            var name = $"const_{constants.Count}";
            while (!names.Add(name))
            {
                name += "'";
            }

            value = new Value(ValueKind.Constant, name, tensor.Type, tensor.Shape, tensor);
            constants.Add(tensor, value);
        }

        return value;
    }

    private Graph Sweep(Graph graph, IReadOnlyList<RewriteRule> rules)
    {
        foreach (var original in graph.Nodes)
        {
            var node = original.Reading(replacements);
            if (node.Outputs.Count == 1 && Rewritten(node, rules) is { } replacement)
            {
                Replace(original.Output, replacement);
            }
            else
            {
                Keep(original, node);
            }
        }

        return Pass.Replace(graph, nodes, replacements);
    }

    private void Keep(Node original, Node node)
    {
        nodes.Add(node);
        foreach (var (old, renewed) in original.Outputs.Zip(node.Outputs))
        {
            if (!ReferenceEquals(old, renewed))
            {
                Replace(old, renewed);
            }
        }
    }

    private Value? Rewritten(Node node, IReadOnlyList<RewriteRule> rules)
    {
        foreach (var candidate in rules)
        {
            rule = candidate.Name;
            if (candidate.Rewrite(node, this) is { } replacement)
            {
                log.Add(rule);
                return replacement;
            }
        }

        return null;
    }

    private void Replace(Value old, Value replacement)
    {
        replacements.Add(old, replacement);
        readers[replacement] = readers.GetValueOrDefault(replacement) + readers.GetValueOrDefault(old);
    }
}
