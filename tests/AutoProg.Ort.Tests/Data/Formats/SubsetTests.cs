using AutoProg.Ort.Data.Formats;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Data.Formats;

public class SubsetTests
{
    [Property(MaxTest = 50)]
    public void Different_images_are_drawn_and_stay_in_order(byte total, byte part, int seed)
    {
        var images = new PatternImages(total + 1);
        var count = Math.Min(part + 1, images.Count);
        var subset = new Subset(images, count, seed);
        var names = Enumerable.Range(0, subset.Count).Select(subset.Describe).ToList();
        var numbers = names.Select(name => int.Parse(name["pattern/".Length..^".png".Length])).ToList();
        Assert.Equal(count, numbers.Distinct().Count());
        Assert.Equal(numbers.Order(), numbers);
        Assert.Equal(numbers.Select(images.LabelOf), Enumerable.Range(0, count).Select(subset.LabelOf));
        Assert.Equal(names, Enumerable.Range(0, count).Select(new Subset(images, count, seed).Describe));
    }

    [Fact]
    public void Another_seed_draws_other_images()
    {
        var images = new PatternImages(1000);
        Assert.NotEqual(new Subset(images, 10, 1).Describe(0) + new Subset(images, 10, 1).Describe(5), new Subset(images, 10, 2).Describe(0) + new Subset(images, 10, 2).Describe(5));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public void Counts_outside_the_data_set_are_refused(int count) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Subset(new PatternImages(5), count, 1));
}
