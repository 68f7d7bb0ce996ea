using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Import;

namespace AutoProg.Models.Tests;

public sealed class ForeignModelTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("foreign-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_classifier_out_of_a_file_says_what_it_takes_and_what_learns()
    {
        var model = new ForeignModel("a model", OnnxModelFile.Open(Write(perImage: true)));

        Assert.Equal(("a_model", 5, 3, 4), (model.Name, model.ClassCount, model.InputChannels, model.MaxResolution));
        Assert.Equal(2, model.Batch);
        Assert.Equal("head", Assert.Single(model.Parameters).Name);
        Assert.Equal([6, 5], model.Build(4, 1, 6, new ModelGraphOptions(Training: true)).Output.Shape);
    }

    [Fact]
    public void An_output_without_a_row_per_image_is_refused()
    {
        var path = Write(perImage: false);

        var error = Assert.Throws<OnnxFormatException>(() => new ForeignModel("m", OnnxModelFile.Open(path)));

        Assert.StartsWith($"{path}: its first output is Float[1, 5] for 2 images; logits [batch, classes] are needed.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_of_resolutions_is_at_least_one() => Assert.Throws<ArgumentOutOfRangeException>(
        () => new ForeignModel("m", OnnxModelFile.Open(Write(perImage: true)), new ForeignModelOptions { ResolutionStep = 0 }));

    /// <summary>Means of the channels, and a head; or the mean over the batch of what that gives.</summary>
    private string Write(bool perImage)
    {
        var b = new GraphBuilder();
        var logits = b.Gemm(b.ReduceMean(b.Input("image", ElementType.Float, [2, 3, 4, 4]), [2, 3]), b.Parameter("head", [3, 5]));
        b.Output("logits", perImage ? logits : b.ReduceMean(logits, [0], keepDims: true));
        var path = Path.Combine(folder, "model.onnx");
        File.WriteAllBytes(path, OnnxWriter.WriteWithWeights(b.Build(), "model", static _ => Tensor.FromFloats([3, 5], new float[15])));
        return path;
    }
}
