using AutoProg.Models;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Runtime;

public sealed class GraphStoreTests : InTemporaryFolder
{
    private static readonly SubNetwork Network = new(16, 2);
    private readonly Warnings warnings = new();

    [Fact]
    public void A_stored_graph_is_the_built_one()
    {
        var built = Graphs().Training(Network, 2, dropPath: true);
        var loaded = Graphs().Training(Network, 2, dropPath: true);
        Assert.Equal(built.Model, loaded.Model);
        Assert.Equal(built.Cost, loaded.Cost);
        Assert.Equal(built.Manifest.Gradients, loaded.Manifest.Gradients);
        Assert.Equal(built.Manifest.Parameters.Select(static p => (p.Name, string.Join(',', p.Shape))), loaded.Manifest.Parameters.Select(static p => (p.Name, string.Join(',', p.Shape))));
        Assert.Equal("deit_micro-r16-l2-b2-train-dp-", built.Manifest.Name[..^8]);
        Assert.Empty(warnings.Messages);
    }

    [Theory]
    [InlineData(".onnx", "differs from what was stored (SHA-256)")]
    [InlineData(".json", "cannot be read")]
    public void A_damaged_graph_is_never_used_but_built_again(string extension, string problem)
    {
        var built = Graphs().Training(Network, 2, dropPath: false);
        var file = Assert.Single(Directory.GetFiles(At("graphs"), "*" + extension));
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 0x80;
        File.WriteAllBytes(file, extension == ".json" ? bytes[..^20] : bytes);
        Assert.Equal(built.Model, Graphs().Training(Network, 2, dropPath: false).Model);
        Assert.Contains(problem, Assert.Single(warnings.Messages), StringComparison.Ordinal);

        // The new one has taken its place.
        Graphs().Training(Network, 2, dropPath: false);
        Assert.Single(warnings.Messages);
    }

    [Fact]
    public void A_manifest_of_another_graph_is_not_taken_for_this_one()
    {
        var one = Graphs().Training(Network, 2, dropPath: false).Manifest.Name;
        var other = Graphs().Training(Network, 3, dropPath: false).Manifest.Name;
        foreach (var extension in new[] { ".onnx", ".json" })
        {
            File.Copy(At("graphs", other + extension), At("graphs", one + extension), overwrite: true);
        }

        Assert.Equal(one, Graphs().Training(Network, 2, dropPath: false).Manifest.Name);
        Assert.Contains("describes another graph", Assert.Single(warnings.Messages), StringComparison.Ordinal);
    }

    [Fact]
    public void What_changes_the_graph_changes_its_name()
    {
        string[] names =
        [
            Graphs().StoredName(Network, 2, GraphPurpose.Training),
            Graphs(new ModelSizes { NumHeads = 2 }).StoredName(Network, 2, GraphPurpose.Training),
            Graphs(new ModelSizes { MlpRatio = 3 }).StoredName(Network, 2, GraphPurpose.Training),
            Graphs(new ModelSizes { ImgSize = 64 }).StoredName(Network, 2, GraphPurpose.Training),
            Graphs(new ModelSizes { NumClasses = 3 }).StoredName(Network, 2, GraphPurpose.Training),
            Graphs(new ModelSizes { BranchScale = true }).StoredName(Network, 2, GraphPurpose.Training),
        ];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.Equal(names[0], Graphs().StoredName(Network, 2, GraphPurpose.Training));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_costs_a_warning_only()
    {
        File.WriteAllText(At("graphs"), "a file");
        Graphs().Training(Network, 2, dropPath: false);
        Assert.Contains("is not kept", Assert.Single(warnings.Messages), StringComparison.Ordinal);
    }

    private SubNetworkGraphs Graphs(ModelSizes? sizes = null) => new(LearningTask.Classify(ModelCatalog.Create("deit_micro", sizes ?? new ModelSizes())), new GraphStore(At("graphs"), warnings));
}
