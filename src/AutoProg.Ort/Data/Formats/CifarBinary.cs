using System.Security.Cryptography;

namespace AutoProg.Ort.Data.Formats;

/// <summary>
/// The binary versions of CIFAR-10 and CIFAR-100: records of one or two label bytes and 3,072 pixel bytes (32 x 32, one plane per channel).
/// CIFAR-100 uses the fine labels. A split is held in memory: 150 MB for the 50,000 training images.
/// </summary>
public sealed class CifarBinary : IImageDataset
{
    private const int Side = 32;
    private const int PlaneBytes = Side * Side;
    private const int PixelBytes = 3 * PlaneBytes;
    private const long MaxFileBytes = 1L << 30;

    private static readonly string[] Cifar10Names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    private readonly List<(string Path, byte[] Records)> files = [];
    private readonly List<(int File, int Offset)> images = [];
    private readonly int labelBytes;

    private CifarBinary(string name, IReadOnlyList<string> classNames, int labelBytes)
    {
        Name = name;
        ClassNames = classNames;
        this.labelBytes = labelBytes;
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public int Count => images.Count;

    /// <inheritdoc />
    public IReadOnlyList<string> ClassNames { get; }

    private int RecordBytes => labelBytes + PixelBytes;

    /// <summary>Reads <c>data_batch_1.bin</c> to <c>data_batch_5.bin</c> or <c>test_batch.bin</c>.</summary>
    /// <param name="folder">The folder with the files, or the one that contains <c>cifar-10-batches-bin</c>.</param>
    /// <param name="training">The training images, or the test images.</param>
    /// <exception cref="DataException">A file is missing, has a partial record or a label above 9.</exception>
    public static CifarBinary OpenCifar10(string folder, bool training)
    {
        var root = FolderOf(folder, "cifar-10-batches-bin", "test_batch.bin");
        var dataset = new CifarBinary(training ? "cifar10/train" : "cifar10/test", NamesFrom(root, "batches.meta.txt", Cifar10Names), labelBytes: 1);
        string[] names = training ? [.. Enumerable.Range(1, 5).Select(number => $"data_batch_{number}.bin")] : ["test_batch.bin"];
        foreach (var name in names)
        {
            dataset.Add(Path.Combine(root, name));
        }

        return dataset;
    }

    /// <summary>Reads <c>train.bin</c> or <c>test.bin</c>.</summary>
    /// <param name="folder">The folder with the files, or the one that contains <c>cifar-100-binary</c>.</param>
    /// <param name="training">The training images, or the test images.</param>
    /// <exception cref="DataException">A file is missing, has a partial record or a fine label above 99.</exception>
    public static CifarBinary OpenCifar100(string folder, bool training)
    {
        var root = FolderOf(folder, "cifar-100-binary", "test.bin");
        string[] numbers = [.. Enumerable.Range(0, 100).Select(label => $"class {label}")];
        var dataset = new CifarBinary(training ? "cifar100/train" : "cifar100/test", NamesFrom(root, "fine_label_names.txt", numbers), labelBytes: 2);
        dataset.Add(Path.Combine(root, training ? "train.bin" : "test.bin"));
        return dataset;
    }

    /// <inheritdoc />
    public int LabelOf(int index)
    {
        var (file, offset) = images[index];
        return files[file].Records[offset + labelBytes - 1];
    }

    /// <inheritdoc />
    public string Describe(int index)
    {
        var (file, offset) = images[index];
        return $"{files[file].Path}, record {offset / RecordBytes}";
    }

    /// <inheritdoc />
    public RgbImage Load(int index, int minimumSide)
    {
        var (file, offset) = images[index];
        var planes = files[file].Records.AsSpan(offset + labelBytes, PixelBytes);
        var image = RgbImage.Rent(Side, Side);
        var pixels = image.Pixels;
        for (var i = 0; i < PlaneBytes; i++)
        {
            pixels[3 * i] = planes[i];
            pixels[(3 * i) + 1] = planes[PlaneBytes + i];
            pixels[(3 * i) + 2] = planes[(2 * PlaneBytes) + i];
        }

        return image;
    }

    /// <summary>The record.</summary>
    /// <inheritdoc />
    public bool TryIdentify(int index, IncrementalHash hash)
    {
        ArgumentNullException.ThrowIfNull(hash);
        var (file, offset) = images[index];
        hash.AppendData(files[file].Records.AsSpan(offset, RecordBytes));
        return true;
    }

    private static string FolderOf(string folder, string usualName, string marker)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string[] candidates = [Path.GetFullPath(folder), Path.Combine(Path.GetFullPath(folder), usualName)];
        return Array.Find(candidates, candidate => File.Exists(Path.Combine(candidate, marker)))
            ?? throw new DataException($"No '{marker}' in '{candidates[0]}' or '{candidates[1]}'; expected the binary version of the data set, folder '{usualName}'.");
    }

    private static string[] NamesFrom(string root, string file, string[] otherwise)
    {
        var path = Path.Combine(root, file);
        if (!File.Exists(path) || new FileInfo(path).Length > 100_000)
        {
            return otherwise;
        }

        string[] names = [.. File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)];
        return names.Length == otherwise.Length ? names : otherwise;
    }

    private void Add(string path)
    {
        if (!File.Exists(path))
        {
            throw new DataException($"CIFAR file '{path}' does not exist.");
        }

        var length = new FileInfo(path).Length;
        if (length == 0 || length % RecordBytes != 0 || length > MaxFileBytes)
        {
            throw new DataException(
                $"CIFAR file '{path}' has {length} bytes; expected a multiple of {RecordBytes} ({labelBytes} for the label, {PixelBytes} for the pixels), at most {MaxFileBytes}. It may be cut off; download it again.");
        }

        var records = File.ReadAllBytes(path);
        files.Add((path, records));
        for (var offset = 0; offset < records.Length; offset += RecordBytes)
        {
            var label = records[offset + labelBytes - 1];
            if (label >= ClassNames.Count)
            {
                throw new DataException($"CIFAR file '{path}', record {offset / RecordBytes}: label {label}; expected 0 to {ClassNames.Count - 1}.");
            }

            images.Add((files.Count - 1, offset));
        }
    }
}
