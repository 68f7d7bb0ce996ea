using AutoProg.Graphs;
using AutoProg.Graphs.Import;
using AutoProg.Models;
using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Training;

/// <summary>A trained model file: the file that training began with, with the new weights under the same names.</summary>
internal static class ForeignExport
{
    /// <summary>The file's bytes.</summary>
    public static byte[] Write(TrainedModel model, ForeignModel foreign, string weights, SubNetwork network)
    {
        var (arena, buffer) = (model.Parts.Arena, model.Choices[weights]);
        var renewed = arena.Layout.Slots.ToDictionary(static slot => slot.Name, slot => Tensor.FromFloats(slot.Parameter.Shape, arena.Read(buffer, slot.Name)), StringComparer.Ordinal);
        return OnnxModelUpdate.Write(foreign.File, renewed, foreign.BatchNorm, ExportMetadata.Of(model, weights, network));
    }
}
