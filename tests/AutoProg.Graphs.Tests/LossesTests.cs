using AutoProg.Graphs.Tests.Evaluation;

namespace AutoProg.Graphs.Tests;

public sealed class LossesTests
{
    private const double Rounding = 1e-12;

    [Fact]
    public void Cross_entropy_is_the_mean_of_what_the_right_classes_lack()
    {
        double[] logits = [2, -1, 0.5, 0, 3, 1];
        var expected = (LogSum(2, -1, 0.5) - 0.5 + (LogSum(0, 3, 1) - 0)) / 2;
        Assert.Equal(expected, Loss(LossKind.CrossEntropy, [2, 3], logits, (Losses.LabelsInput, [2], [2, 0])), Rounding);
    }

    [Fact]
    public void Soft_targets_that_name_one_class_give_the_cross_entropy_of_that_class()
    {
        double[] logits = [2, -1, 0.5, 0, 3, 1];
        var hard = Loss(LossKind.CrossEntropy, [2, 3], logits, (Losses.LabelsInput, [2], [2, 0]));
        Assert.Equal(hard, Loss(LossKind.SoftTarget, [2, 3], logits, (Losses.TargetInput, [2, 3], [0, 0, 1, 1, 0, 0])), Rounding);
    }

    [Fact]
    public void Places_of_class_255_do_not_count()
    {
        // [1, 2, 2, 2]: class 0 in front of class 1.
        double[] logits = [1, 2, 3, 4, 0, 0, 0, 0];
        var expected = (LogSum(1, 0) - 1 + (LogSum(4, 0) - 0)) / 2;
        Assert.Equal(expected, Loss(LossKind.PerPixelCrossEntropy, [1, 2, 2, 2], logits, (Losses.LabelsInput, [1, 2, 2], [0, 255, 255, 1])), Rounding);
    }

    [Fact]
    public void Without_any_place_that_counts_the_loss_is_zero() =>
        Assert.Equal(0, Loss(LossKind.PerPixelCrossEntropy, [1, 2, 1, 2], [1, 2, 3, 4], (Losses.LabelsInput, [1, 1, 2], [255, 255])));

    [Fact]
    public void Of_more_than_255_classes_none_is_left_out()
    {
        var logits = new double[300];
        Assert.Equal(Math.Log(300), Loss(LossKind.PerPixelCrossEntropy, [1, 300, 1], logits, (Losses.LabelsInput, [1, 1], [255])), Rounding);
    }

    [Fact]
    public void Squared_errors_are_averaged_over_everything() =>
        Assert.Equal((1 + 0 + 4 + 9) / 4.0, Loss(LossKind.Mse, [2, 2], [1, 2, 3, 4], (Losses.TargetInput, [2, 2], [0, 2, 1, 1])), Rounding);

    [Theory]
    [InlineData(LossKind.CrossEntropy, "[batch, classes]")]
    [InlineData(LossKind.SoftTarget, "[batch, classes]")]
    [InlineData(LossKind.PerPixelCrossEntropy, "[batch, classes, places ...]")]
    public void An_output_of_another_shape_is_refused(LossKind kind, string needed)
    {
        var b = new GraphBuilder();
        var output = b.Input("y", ElementType.Float, kind == LossKind.PerPixelCrossEntropy ? [2, 3] : [2, 3, 4]);
        Assert.Equal($"The output 'y' has shape {output.Shape}; {needed} is needed for this loss.", Assert.Throws<GraphException>(() => Losses.Attach(b, kind, output)).Message);
    }

    private static double LogSum(params double[] logits) => Math.Log(logits.Sum(Math.Exp));

    private static double Loss(LossKind kind, long[] shape, double[] output, (string Name, long[] Shape, double[] Values) compared)
    {
        var b = new GraphBuilder();
        b.Output("loss", Losses.Attach(b, kind, b.Input("y", ElementType.Float, Shape.Of(shape))));
        var feeds = new Dictionary<string, DoubleTensor>
        {
            ["y"] = new(Shape.Of(shape), output),
            [compared.Name] = new(Shape.Of(compared.Shape), compared.Values),
        };
        return DoubleEvaluator.Run(b.Build(), feeds)["loss"].Values[0];
    }
}
