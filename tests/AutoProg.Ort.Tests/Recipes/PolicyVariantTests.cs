using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Recipes;

public sealed class PolicyVariantTests
{
    [Theory]
    [InlineData("original", GrowthPolicyKind.Original, null)]
    [InlineData("prog+sid", GrowthPolicyKind.Prog, true)]
    [InlineData("autoprog-zero+nosid", GrowthPolicyKind.AutoprogZero, false)]
    public void Names_are_read_back(string name, GrowthPolicyKind policy, bool? identifier)
    {
        Assert.Equal(new PolicyVariant(policy, identifier), PolicyVariant.Parse(name));
        Assert.Equal(name, new PolicyVariant(policy, identifier).Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("pro")]
    [InlineData("prog+id")]
    [InlineData("+sid")]
    public void Other_names_are_none(string name) => Assert.Null(PolicyVariant.Parse(name));

    [Fact]
    public void Without_a_suffix_the_recipe_decides()
    {
        var recipe = new Recipe { Model = new() { Name = "dit_micro" }, Data = new(), Growth = new() { StageIdentifier = true } };
        Assert.True(new PolicyVariant(GrowthPolicyKind.Prog).Apply(recipe).Growth.StageIdentifier);
        Assert.False(new PolicyVariant(GrowthPolicyKind.Prog, false).Apply(recipe).Growth.StageIdentifier);
        Assert.Equal(GrowthPolicyKind.Prog, new PolicyVariant(GrowthPolicyKind.Prog).Apply(recipe).Growth.Policy);
    }
}
