using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Tests.Evaluation;

namespace AutoProg.Graphs.Tests.Gradients;

/// <summary>From where a row's floating-point inputs are drawn.</summary>
internal enum Domain
{
    /// <summary>Standard normal.</summary>
    Normal,

    /// <summary>0.5 to 2.</summary>
    Positive,

    /// <summary>0.5 to 2 with either sign.</summary>
    AwayFromZero,

    /// <summary>No two elements of the case closer than 0.1, none closer than 0.05 to zero, so that no step crosses a tie or a kink at zero.</summary>
    Distinct,
}

/// <summary>A row of the gradient table: an operator in a small expression.</summary>
/// <param name="Operator">The operator whose rule the row is for.</param>
/// <param name="Shapes">
/// Shapes of the inputs, divided by semicolons, e.g. <c>n 1 c; c</c>. A letter is a random size, the same in the whole row: small letters 1 to 4,
/// capitals 2 to 5. <c>()</c> is a scalar; <c>:bool</c> behind a shape asks for truth values, <c>:index5</c> for integers from -5 to 4.
/// </param>
/// <param name="Build">The expression; its results must be floating-point.</param>
internal sealed record GradientRow(string Operator, string Shapes, Func<GraphBuilder, Value[], Value[]> Build)
{
    /// <summary>Step of the central differences. A step of 1 is exact for what is linear in each input, and shows mistakes without rounding.</summary>
    public double Step { get; init; } = 1e-5;

    /// <summary>Domain of every floating-point input, or one per input.</summary>
    public Domain[] Domains { get; init; } = [Domain.Normal];

    /// <summary>Tells apart rows of equal operator and shapes.</summary>
    public string Note { get; init; } = "";

    public string Name => $"{Operator}({Shapes}){(Note.Length == 0 ? "" : " ")}{Note}";

    public static GradientRow Of(string op, string shapes, Func<GraphBuilder, Value[], Value> build) => new(op, shapes, (b, x) => [build(b, x)]);

    /// <summary>A row for what is linear in each input.</summary>
    public static GradientRow Linear(string op, string shapes, Func<GraphBuilder, Value[], Value> build) => Of(op, shapes, build) with { Step = 1 };

    /// <summary>The row with random sizes and inputs. The loss is the sum of the results, each element weighted by a random number.</summary>
    public GradientCase Draw(int seed, ElementType type)
    {
        var random = new Random(seed);
        var sizes = new Dictionary<char, long>();
        var builder = new GraphBuilder();
        var feeds = new Dictionary<string, DoubleTensor>(StringComparer.Ordinal);
        var specs = Shapes.Split(';', StringSplitOptions.TrimEntries).Select(s => s.Split(':')).ToList();
        var shapes = specs.Select(s => ShapeOf(s[0], sizes, random)).ToList();
        var distinct = new Queue<double>(DistinctValues((int)shapes.Sum(s => s.ElementCount), random));
        var inputs = new List<Value>();
        for (var i = 0; i < specs.Count; i++)
        {
            var kind = specs[i].ElementAtOrDefault(1) ?? "";
            var domain = Domains[Math.Min(i, Domains.Length - 1)];
            inputs.Add(builder.Input($"x{i}", kind == "bool" ? ElementType.Bool : kind.Length > 0 ? ElementType.Int64 : type, shapes[i]));
            var element = Element(kind, domain, random, distinct);
            feeds.Add($"x{i}", DoubleTensor.From(shapes[i], _ => element()));
        }

        var results = Build(builder, [.. inputs]);
        var terms = results.Select((y, i) =>
        {
            var weight = builder.Input($"w{i}", type, y.Shape);
            feeds.Add(weight.Name, DoubleTensor.From(y.Shape, _ => Gaussian(random)));
            builder.Output($"y{i}", y);
            return builder.ReduceSum(builder.Mul(y, weight), []);
        }).ToList();
        var loss = terms.Aggregate(builder.Add);
        var targets = inputs.Where(i => i.Type.IsFloatingPoint()).ToList();
        builder.Output("loss", loss);
        var forward = builder.Build();
        foreach (var (target, gradient) in Differentiator.AddGradients(builder, loss, targets))
        {
            builder.Output($"{target.Name}_grad", gradient);
        }

        return new GradientCase(forward, builder.Build(), feeds, [.. targets.Select(t => t.Name)]);
    }

    public static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static Shape ShapeOf(string text, Dictionary<char, long> sizes, Random random) =>
        text.Trim() == "()" ? Shape.Scalar : Shape.Of([.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word =>
        {
            if (long.TryParse(word, out var size))
            {
                return size;
            }

            if (!sizes.TryGetValue(word[0], out size))
            {
                size = char.IsUpper(word[0]) ? random.Next(2, 6) : random.Next(1, 5);
                sizes.Add(word[0], size);
            }

            return size;
        })]);

    private static Func<double> Element(string kind, Domain domain, Random random, Queue<double> distinct) => kind switch
    {
        "bool" => () => random.Next(2),
        { Length: > 0 } => () => random.Next(-int.Parse(kind["index".Length..]), int.Parse(kind["index".Length..])),
        _ => domain switch
        {
            Domain.Positive => () => 0.5 + (1.5 * random.NextDouble()),
            Domain.AwayFromZero => () => (0.5 + (1.5 * random.NextDouble())) * (random.Next(2) == 0 ? -1 : 1),
            Domain.Distinct => distinct.Dequeue,
            _ => () => Gaussian(random),
        },
    };

    private static double[] DistinctValues(int count, Random random)
    {
        var values = Enumerable.Range(0, count).Select(i => 0.05 + (0.1 * (i - (count / 2)))).ToArray();
        random.Shuffle(values);
        return values;
    }
}

/// <summary>A row with its sizes and inputs.</summary>
/// <param name="Forward">Results and loss.</param>
/// <param name="Training">Results, loss and the gradient of every target as <c>name_grad</c>.</param>
/// <param name="Feeds">Inputs by name.</param>
/// <param name="Targets">Names of the inputs that are differentiated.</param>
internal sealed record GradientCase(Graph Forward, Graph Training, Dictionary<string, DoubleTensor> Feeds, IReadOnlyList<string> Targets)
{
    /// <summary>The loss with one input moved.</summary>
    public double Loss(string input, double[] moved)
    {
        var feeds = new Dictionary<string, DoubleTensor>(Feeds, StringComparer.Ordinal) { [input] = new(Feeds[input].Shape, moved) };
        return DoubleEvaluator.Run(Forward, feeds)["loss"].Values[0];
    }
}
