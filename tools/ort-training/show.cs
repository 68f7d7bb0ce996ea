#:project ../../src/AutoProg.Ort/AutoProg.Ort.csproj
// Shows what this engine reads from checkpoints of on-device training, whoever wrote them: dotnet run tools/ort-training/show.cs -- <checkpoint>...

using AutoProg.Ort.Files.OnDevice;

foreach (var path in args)
{
    using var checkpoint = OnDeviceCheckpointReader.Open(path);
    Console.WriteLine($"{path}: {checkpoint.Entries.Count} parameters, {checkpoint.OptimizerStep?.ToString() ?? "no"} updates of the optimizer");
    foreach (var entry in checkpoint.Entries)
    {
        var elements = new float[entry.Shape.ElementCount];
        checkpoint.Read(entry.Name, elements);
        Console.WriteLine($"  {(checkpoint.Learnable.Contains(entry.Name) ? "learns" : "frozen")} {entry.Name} {entry.Type} {entry.Shape}: {elements.Min():G5} to {elements.Max():G5}");
    }

    foreach (var (name, value) in checkpoint.Metadata)
    {
        Console.WriteLine($"  {name} = {value}");
    }
}
