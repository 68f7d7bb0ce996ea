using AutoProg.Graphs.Import;

namespace AutoProg.Ort.Parity;

/// <summary>What the <c>model.json</c> beside a foreign model says, as far as it is needed.</summary>
/// <param name="Loss">What the gradients are of.</param>
/// <param name="Trainable">Stored tensors that have a gradient.</param>
/// <param name="Float32Check">How far the reference's own float32 run is off.</param>
internal sealed record ForeignFixture(string Loss, string[] Trainable, ForeignFloat32Check Float32Check)
{
    public const string ModelFile = "forward.onnx";

    /// <summary>Limits of this fixture.</summary>
    public Float32Check Limits => new(Float32Check.Output, Float32Check.Grad);

    /// <summary>Reads the file and the model beside it.</summary>
    public static (ForeignFixture Fixture, OnnxModelFile Model) Read(string folder)
    {
        var fixture = JsonFixture.Read<ForeignFixture>(folder, FixtureFamily.File);
        new ModelFixture(folder).Expect(fixture.Loss.StartsWith("cross-entropy", StringComparison.Ordinal), "loss", fixture.Loss, "cross-entropy");
        try
        {
            return (fixture, OnnxModelFile.Open(Path.Combine(folder, ModelFile)));
        }
        catch (OnnxFormatException malformed)
        {
            throw new FixtureException(malformed.Message, malformed);
        }
    }
}

/// <summary>How far the reference's own float32 run is from the goldens, relative, in the L2 norm.</summary>
internal sealed record ForeignFloat32Check(double Output, double Grad);
