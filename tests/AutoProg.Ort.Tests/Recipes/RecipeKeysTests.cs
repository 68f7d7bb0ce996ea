using System.Reflection;
using System.Xml.Linq;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Recipes;

public sealed class RecipeKeysTests
{
    [Fact]
    public void Every_property_of_a_recipe_is_a_key_under_its_own_name()
    {
        var properties = typeof(Recipe).GetProperties()
            .SelectMany(property => property.PropertyType.Name.EndsWith("Recipe", StringComparison.Ordinal) ? property.PropertyType.GetProperties() : [property])
            .Select(DocumentationId);

        Assert.Equal(properties.Order(StringComparer.Ordinal), RecipeKeys.All.Select(key => key.DocumentationId).Order(StringComparer.Ordinal));
        Assert.Equal(RecipeKeys.All.Count, RecipeKeys.All.Select(key => key.Path).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Every_key_writes_the_property_that_it_names()
    {
        var blank = RecipeReading.Blank;
        foreach (var key in RecipeKeys.All)
        {
            foreach (var text in new[] { "3", "0.3", "true", "false", "cpu", "cuda:1", "rand-m3", "[32]", "[0.3]", "[0.1, 0.3]", "[0.1, 0.2, 0.3]", "idx", "sgd", "constant", "step", "prog", "stacking", "carry" })
            {
                if (key.With(blank, text.StartsWith('[') ? RecipeSyntax.ReadNode(text) : new RecipeNode.Scalar(text)) is not { } changed || key.Write(changed) == key.Write(blank))
                {
                    continue;
                }

                var moved = RecipeKeys.All.Where(other => other.Write(changed).Shown != other.Write(blank).Shown).ToList();
                Assert.Equal([key.Path], moved.Select(other => other.Path));
            }
        }
    }

    [Fact]
    public void Every_default_is_in_its_own_range_and_breaks_no_rule()
    {
        var recipe = new Recipe { Model = new() { Name = "deit_small" }, Data = new() };

        RecipeRules.ThrowIfInvalid(recipe);
    }

    [Fact]
    public void Every_enum_value_can_be_spelled()
    {
        foreach (var (path, kind) in new (string, Type)[]
        {
            ("data.dataset", typeof(DatasetKind)), ("optimizer.name", typeof(OptimizerKind)), ("schedule.name", typeof(LearningRateKind)), ("schedule.per", typeof(LearningRateUnit)),
            ("growth.policy", typeof(GrowthPolicyKind)), ("growth.operator", typeof(GrowthOperatorKind)), ("growth.optimizer_state", typeof(OptimizerStateKind)),
        })
        {
            var expected = RecipeKeys.All.Single(key => key.Path == path).Expected;
            Assert.Equal(Enum.GetNames(kind).Length, expected.Split(", ").Length);
        }
    }

    [Fact]
    public void The_reference_explains_every_key_from_its_documentation()
    {
        var documentation = XDocument.Load(Path.ChangeExtension(typeof(Recipe).Assembly.Location, ".xml"));

        var lines = RecipeReference.Markdown(documentation).Split('\n');

        Assert.Equal(RecipeKeys.All.Count, lines.Count(line => line.StartsWith("| `", StringComparison.Ordinal)));
        Assert.Contains("| `num_stages` | a whole number from 1 to 1000 | `4` | Number of equispaced stages K, at least 1. |", lines);
        Assert.Contains("| `depths` | a list of block counts, e.g. [6, 8, 10, 12], or [] | `[]` | Depth of each stage, ascending to the model's; empty computes them from `l_scale`. |", lines);
        Assert.DoesNotContain(lines, line => line.EndsWith("|  |", StringComparison.Ordinal));
    }

    private static string DocumentationId(PropertyInfo property) => $"P:{property.DeclaringType!.FullName}.{property.Name}";
}
