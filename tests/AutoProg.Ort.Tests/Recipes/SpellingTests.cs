using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Recipes;

public sealed class SpellingTests
{
    [Theory]
    [InlineData("modle", "model")]
    [InlineData("epoch", "epochs")]
    [InlineData("lerning_rate", "learning_rate")]
    [InlineData("xyz", null)]
    [InlineData("", null)]
    public void The_nearest_word_is_found_unless_all_are_far(string word, string? expected)
    {
        Assert.Equal(expected, Spelling.Nearest(word, ["model", "epochs", "learning_rate", "lr"]));
    }

    [Fact]
    public void A_swap_of_neighbours_counts_as_one_mistake()
    {
        Assert.Equal("seed", Spelling.Nearest("sede", ["side1", "seed"]));
    }
}
