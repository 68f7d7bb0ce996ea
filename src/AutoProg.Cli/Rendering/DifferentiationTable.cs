using AutoProg.Ort.Foreign;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>What came of differentiating a model.</summary>
internal static class DifferentiationTable
{
    /// <summary>A row per input, and what learns.</summary>
    public static void Write(IAnsiConsole console, DifferentiatedModel model)
    {
        var table = Tables.Create("input", "type", "shape");
        foreach (var input in model.Inputs)
        {
            table.Row(input.Name, input.Type, $"[{string.Join(", ", input.Shape)}]");
        }

        console.Write(table);
        console.WriteLine($"{model.Trainable.Count} tensors learn, {model.Parameters:N0} parameters; {model.Statistics.Count} running statistics follow the batches.");
        console.WriteLine($"{model.Nodes} nodes, {model.ActivationBytes >> 20} MiB of intermediate results; written to {model.Folder}.");
    }
}
