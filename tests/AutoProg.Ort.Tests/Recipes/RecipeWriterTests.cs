using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Recipes;

public sealed class RecipeWriterTests
{
    private static readonly string[] Samples =
    [
        "0", "1", "2", "3", "7", "64", "224", "-5", "0.25", "0.5", "0.1", "1e-5", "1.0", "2.5", "true", "false", "null", "cpu", "cuda:1", "a # b: c", "C:\\x \"y\"", "'", "- x", "null ", "yes", "3.0",
        "Üß日本", "rand-m7-inc1", "[]", "[0.5, 0.75]", "[0.9, 0.99, 0.3]", "[0.5]", "[1, 1]", "[32, 64, 64, 128]", "[1, 2, 3]", "builtin", "idx", "cifar100", "sgd", "momentum", "constant", "step",
        "prog", "original", "stacking", "identity", "rand-init", "carry",
    ];

    [Property(MaxTest = 300)]
    public void A_written_recipe_reads_back_equal(int seed)
    {
        var recipe = ArbitraryRecipe(seed);

        var text = RecipeWriter.Write(recipe);
        var again = RecipeReader.Parse(text, "recipe.yaml");

        Assert.Equivalent(recipe, again, strict: true);
        Assert.Equal(text, RecipeWriter.Write(again));
    }

    [Fact]
    public void Defaults_are_written_out()
    {
        var text = RecipeWriter.Write(new Recipe { Model = new() { Name = "deit_small" }, Data = new() { DataDir = "/my images", Dataset = DatasetKind.Cifar10 } });

        Assert.StartsWith("name: run\nseed: 42\nmodel:\n  name: deit_small\n  onnx: null\n", text);
        Assert.Contains("\ndata:\n  dataset: cifar10\n  data_dir: \"/my images\"\n", text);
        Assert.Contains("\n  mean: [0.485, 0.456, 0.406]\n", text);
        Assert.Contains("\n  policy: autoprog-one\n", text);
        Assert.Contains("\n  eps: 1e-08\n", text);
        Assert.EndsWith("\n  keep: 2\n", text);
    }

    /// <summary>A valid recipe in which about half of all keys differ from their defaults.</summary>
    private static Recipe ArbitraryRecipe(int seed)
    {
        var random = new CounterRandom(seed, RandomPurpose.Subset);
        var recipe = new Recipe { Model = new() { Name = "m" }, Data = new() };
        foreach (var key in RecipeKeys.All)
        {
            var text = Samples[random.NextInt(Samples.Length)];
            RecipeNode node = text.StartsWith('[') ? RecipeSyntax.ReadNode(text) : new RecipeNode.Scalar(text);
            for (var attempt = 0; attempt < 5 && key.With(recipe, node) is null; attempt++)
            {
                text = Samples[random.NextInt(Samples.Length)];
                node = text.StartsWith('[') ? RecipeSyntax.ReadNode(text) : new RecipeNode.Scalar(text);
            }

            if (key.With(recipe, node) is { } changed && !RecipeRules.Check(changed).Any())
            {
                recipe = changed;
            }
        }

        return recipe;
    }
}
