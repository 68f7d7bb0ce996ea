using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training.LearningRates;

namespace AutoProg.Ort.Tests.Training.LearningRates;

public class LearningRateScheduleTests
{
    private static readonly Recipe Recipe = new()
    {
        Model = new() { Name = "deit_micro" },
        Data = new(),
        Training = new() { Epochs = 10 },
        Optimizer = new() { Lr = 1 },
        Schedule = new() { WarmupEpochs = 2, WarmupLr = 0.1, MinLr = 0.2, CooldownEpochs = 3 },
    };

    [Theory]
    [InlineData(0, 0.1)]
    [InlineData(1, 0.55)]
    [InlineData(2, 0.923606797749979)] // the cosine's value at 2, not the peak: 0.2 + 0.4 (1 + cos(0.2 pi))
    [InlineData(5, 0.6)]
    [InlineData(10, 0.2)]
    [InlineData(12, 0.2)]
    public void Warm_up_does_not_shift_the_cosine_and_cool_down_stays_at_the_minimum(int epoch, double expected) =>
        Assert.Equal(expected, LearningRateSchedule.From(Recipe).At(epoch), 12);

    [Fact]
    public void Per_epoch_all_updates_of_an_epoch_have_one_rate()
    {
        var schedule = LearningRateSchedule.From(Recipe);
        Assert.Equal(schedule.At(5), schedule.At(5.99));
    }

    [Fact]
    public void Per_step_the_fraction_of_the_epoch_counts()
    {
        var schedule = LearningRateSchedule.From(Recipe with { Schedule = Recipe.Schedule with { Per = LearningRateUnit.Step } });
        Assert.Equal(0.325, schedule.At(0.5), 12);
        Assert.True(schedule.At(5.5) < schedule.At(5));
        Assert.Equal(LearningRateSchedule.From(Recipe).At(5), schedule.At(5));
    }

    [Fact]
    public void Constant_stays_at_the_peak_after_warm_up()
    {
        var schedule = LearningRateSchedule.From(Recipe with { Schedule = Recipe.Schedule with { Name = LearningRateKind.Constant } });
        Assert.Equal([0.1, 0.55, 1, 1, 1], new[] { 0.0, 1, 2, 9, 12 }.Select(schedule.At));
    }

    [Fact]
    public void There_is_no_rate_before_the_start() => Assert.Throws<ArgumentOutOfRangeException>(() => LearningRateSchedule.From(Recipe).At(-1));
}
