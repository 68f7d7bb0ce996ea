using System.Text;
using AutoProg.Graphs;
using AutoProg.Graphs.Import;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Data.Formats;
using AutoProg.Ort.Data.TokenLabels;
using AutoProg.Ort.Files;
using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Foreign;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Data;
using AutoProg.Ort.Tests.Files.Torch;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;
using SkiaSharp;

namespace AutoProg.Ort.Tests.Fuzzing;

/// <summary>A kind of file that comes from strangers, and how the engine reads it.</summary>
/// <param name="Name">Of the file within its folder.</param>
/// <param name="Cases">How often it is damaged.</param>
/// <param name="Prepare">Writes a valid file, and whatever else its reader needs, into a folder.</param>
/// <param name="Read">Reads all of it.</param>
internal sealed record DamagedFile(string Name, int Cases, Action<string> Prepare, Action<string> Read)
{
    // Readers allocate what a file says only where it is as long as it says; whoever loads a tensor knows its size.
    private const long MostElements = 1 << 22;

    /// <summary>Whether the file is text.</summary>
    public bool IsText { get; init; }

    /// <summary>All kinds, 10,000 cases.</summary>
    public static IReadOnlyDictionary<string, DamagedFile> Kinds { get; } = new Dictionary<string, DamagedFile>(StringComparer.Ordinal)
    {
        ["recipe"] = new("recipe.yaml", 2200, folder => File.WriteAllText(At(folder, "recipe.yaml"), RecipeWriter.Write(TinyRecipes.Of(GrowthPolicyKind.AutoprogOne))), Plan) { IsText = true },
        ["safetensors"] = new("model.safetensors", 1500, folder => SafetensorsWriter.Write(At(folder, "model.safetensors"), Tensors(), new Dictionary<string, string>(StringComparer.Ordinal) { ["a"] = "b" }), ReadWeights),
        ["torch"] = new("model.pt", 1500, WriteTorch, ReadWeights),
        ["onnx"] = new("model.onnx", 1000, folder => File.Copy(TinyRecipes.ModelFile("resnet"), At(folder, "model.onnx")), Differentiate),
        ["png"] = Image("image.png", SKEncodedImageFormat.Png),
        ["jpeg"] = Image("image.jpg", SKEncodedImageFormat.Jpeg),
        ["webp"] = Image("image.webp", SKEncodedImageFormat.Webp),
        ["cifar10"] = new("test_batch.bin", 500, folder => File.WriteAllBytes(At(folder, "test_batch.bin"), new byte[3073 * 3]), folder => Load(CifarBinary.OpenCifar10(folder, training: false))),
        ["idx images"] = new("t10k-images-idx3-ubyte", 500, WriteIdx, folder => Load(IdxImages.Open(folder, training: false))),
        ["idx labels"] = new("t10k-labels-idx1-ubyte", 300, WriteIdx, folder => Load(IdxImages.Open(folder, training: false))),
        ["label maps"] = new("labels.safetensors", 500, WriteLabelMaps, ReadLabelMaps),
        ["on-device checkpoint"] = new("checkpoint", 400, WriteOnDeviceCheckpoint, ReadOnDeviceCheckpoint),
        ["npz"] = new("images.npz", 300, WriteNpz, ReadNpz),
        ["checkpoint"] = new(At("step-0000001", "state.json"), 400, folder => new CheckpointStore(folder, 1, new Warnings()).Save(1, [new CheckpointFile("weights.safetensors", Tensors())], new TrainingState()), ReadCheckpoint) { IsText = true },
    };

    /// <summary>Whether an exception says that a file is bad, which a command answers with exit code 2 or 3.</summary>
    public static bool IsRefusal(Exception error) => error is RecipeException or DataException or FileFormatException or OnnxFormatException or ImageUnreadableException or FileNotFoundException or DirectoryNotFoundException;

    private static DamagedFile Image(string name, SKEncodedImageFormat format) =>
        new(name, 300, folder => File.WriteAllBytes(At(folder, name), TemporaryFolder.Encode(33, 21, format)), folder => ImageDecoder.Decode(At(folder, name), 16).Dispose());

    private static IReadOnlyList<FloatTensor> Tensors() => [FloatTensor.Of("blocks.0.weight", [3, 4], [.. Enumerable.Range(0, 12).Select(static i => (float)i)]), FloatTensor.Of("bias", [2], [1, 2])];

    private static void ReadWeights(string folder)
    {
        using var file = WeightsFile.Open(Directory.EnumerateFiles(folder).Single());
        foreach (var entry in file.Entries.Where(static entry => entry.Shape.Aggregate(1L, static (product, dim) => Math.Min(product, MostElements + 1) * dim) is >= 0 and <= MostElements))
        {
            file.Read(entry.Name, new float[entry.Shape.ElementCount]);
        }
    }

    private static void Plan(string folder)
    {
        var recipe = RecipeReader.Read(At(folder, "recipe.yaml"));
        var (train, val) = ImageDatasets.Open(recipe.Data, recipe.Seed);
        try
        {
            RunPlan.Make(recipe, train, val);
        }
        catch (DeviceException)
        {
            // More memory than there is, or no such device: said before anything is trained, with exit code 4.
        }
    }

    private static void Differentiate(string folder)
    {
        using var output = new TemporaryFolder();
        ModelDifferentiation.Run(At(folder, "model.onnx"), new DifferentiationOptions
        {
            Output = output.Path,
            Loss = LossKind.CrossEntropy,
            Shapes = new Dictionary<string, Shape>(StringComparer.Ordinal) { ["input"] = [2, 3, 32, 32] },
        });
    }

    private static void WriteTorch(string folder)
    {
        var weight = new PickledTensor("FloatStorage", "7", 12, 4, [2, 2, 1], [1, 3, 9]);
        var pickle = PickleScript.Of(new Dictionary<string, object?> { ["model"] = new Dictionary<string, object?> { ["w"] = weight, ["epochs"] = 3, ["name"] = "x" } });
        new TorchArchive(pickle, ("7", new byte[48])).Write(At(folder, "model.pt"));
    }

    private static void Load(IImageDataset images)
    {
        for (var i = 0; i < Math.Min(images.Count, 8); i++)
        {
            images.Load(i, 16).Dispose();
        }
    }

    private static void WriteIdx(string folder)
    {
        File.WriteAllBytes(At(folder, "t10k-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28, .. new byte[2 * 28 * 28]]);
        File.WriteAllBytes(At(folder, "t10k-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 2, 3, 4]);
    }

    /// <summary>Maps of two classes at 2 x 2 places for 4 images.</summary>
    private static void WriteLabelMaps(string folder)
    {
        const string Header = """{"classes":{"dtype":"U16","shape":[4,2,2,2],"data_offsets":[0,64]},"scores":{"dtype":"F16","shape":[4,2,2,2],"data_offsets":[64,128]},"labels":{"dtype":"I32","shape":[4],"data_offsets":[128,144]}}""";
        var images = new PatternImages(4);
        var labels = Enumerable.Range(0, 4).SelectMany(i => BitConverter.GetBytes(images.LabelOf(i)));
        var scores = Enumerable.Range(1, 32).SelectMany(static i => BitConverter.GetBytes((Half)i));
        File.WriteAllBytes(At(folder, "labels.safetensors"), [.. BitConverter.GetBytes((long)Header.Length), .. Encoding.ASCII.GetBytes(Header), .. new byte[64], .. scores, .. labels]);
    }

    private static void ReadLabelMaps(string folder)
    {
        using var maps = LabelMapFile.Open(At(folder, "labels.safetensors"), new PatternImages(4));
        for (var i = 0; i < 4; i++)
        {
            maps.Read(i, ImagePlacement.Mirror, grid: 3);
        }
    }

    private static void WriteOnDeviceCheckpoint(string folder)
    {
        Tensor[] moments = [Tensor.FromFloats([2], [1, 2]), Tensor.FromFloats([2], [3, 4])];
        var optimizer = new OnDeviceOptimizerState(9, new Dictionary<string, IReadOnlyList<Tensor>>(StringComparer.Ordinal) { ["bias"] = moments });
        File.WriteAllBytes(At(folder, "checkpoint"), OnDeviceCheckpointWriter.Write([("bias", moments[0])], [("blocks.0.weight", Tensor.FromFloats([3, 4], new float[12]))], [new("a", "b")], optimizer).Span);
    }

    private static void ReadOnDeviceCheckpoint(string folder)
    {
        ReadWeights(folder);
        using var checkpoint = OnDeviceCheckpointReader.Open(At(folder, "checkpoint"));
        foreach (var name in checkpoint.Learnable)
        {
            checkpoint.TryGet(name, out var entry);
            checkpoint.ReadMoment(1, name, new float[entry!.Shape.ElementCount]);
        }
    }

    private static void WriteNpz(string folder)
    {
        using var writer = NpzImages.Create(At(folder, "images.npz"), 1, 4, 4, compress: true);
        writer.Write<byte>(new byte[48]);
        writer.Complete();
    }

    private static void ReadNpz(string folder)
    {
        foreach (var image in NpzImages.Read(At(folder, "images.npz")).Take(8))
        {
            image.Dispose();
        }
    }

    private static void ReadCheckpoint(string folder)
    {
        var checkpoint = CheckpointStore.Open(At(folder, "step-0000001"), new Warnings());
        checkpoint.ReadState<TrainingState>();
    }

    private static string At(params string[] parts) => Path.Combine(parts);
}
