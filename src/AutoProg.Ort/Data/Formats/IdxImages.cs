using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;

namespace AutoProg.Ort.Data.Formats;

/// <summary>
/// A pair of IDX files as MNIST, Fashion-MNIST and EMNIST use them: bytes [N, height, width] and labels [N], plain or gzip.
/// Grey values are repeated for red, green and blue. A split is held in memory.
/// </summary>
public sealed class IdxImages : IImageDataset
{
    private const long MaxBytes = 1L << 30;

    // No deflate stream grows by more than this, so a header cannot make a small file allocate a large buffer.
    private const long MaxDeflateRatio = 1032;

    private readonly string path;
    private readonly byte[] pixels;
    private readonly byte[] labels;
    private readonly int height;
    private readonly int width;

    private IdxImages(string path, int[] size, byte[] pixels, byte[] labels, int classes)
    {
        this.path = path;
        this.pixels = pixels;
        this.labels = labels;
        height = size[1];
        width = size[2];
        Name = Path.GetFileName(path);
        ClassNames = [.. Enumerable.Range(0, classes).Select(static label => label.ToString(CultureInfo.InvariantCulture))];
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public int Count => labels.Length;

    /// <inheritdoc />
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Reads <c>train-*</c> or <c>t10k-*</c> (<c>test-*</c>), with or without <c>.gz</c>.</summary>
    /// <param name="folder">The folder with the files.</param>
    /// <param name="training">The training images, or the test images.</param>
    /// <param name="classes">Number of classes; null takes the largest label + 1.</param>
    /// <exception cref="DataException">A file is missing, or its header, length or labels are not as expected.</exception>
    public static IdxImages Open(string folder, bool training, int? classes = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string[] prefixes = training ? ["train"] : ["t10k", "test"];
        var imagePath = Find(folder, prefixes, "images", 3);
        var labelPath = Find(folder, prefixes, "labels", 1);
        var (size, pixels) = Read(imagePath, rank: 3);
        var (labelSize, labels) = Read(labelPath, rank: 1);
        if (labelSize[0] != size[0])
        {
            throw new DataException($"IDX file '{labelPath}' has {labelSize[0]} labels, but '{imagePath}' has {size[0]} images.");
        }

        var largest = labels.Max();
        if (largest >= classes)
        {
            throw new DataException($"IDX file '{labelPath}', record {Array.IndexOf(labels, largest)}: label {largest}; expected 0 to {classes - 1}, the labels of the training images.");
        }

        return new IdxImages(imagePath, size, pixels, labels, classes ?? largest + 1);
    }

    /// <inheritdoc />
    public int LabelOf(int index) => labels[index];

    /// <inheritdoc />
    public string Describe(int index) => $"{path}, record {index}";

    /// <inheritdoc />
    public RgbImage Load(int index, int minimumSide)
    {
        var image = RgbImage.Rent(width, height);
        var rgb = image.Pixels;
        var grey = pixels.AsSpan(index * width * height, width * height);
        for (var i = 0; i < grey.Length; i++)
        {
            rgb[3 * i] = rgb[(3 * i) + 1] = rgb[(3 * i) + 2] = grey[i];
        }

        return image;
    }

    /// <summary>Size and pixels.</summary>
    /// <inheritdoc />
    public bool TryIdentify(int index, IncrementalHash hash)
    {
        ArgumentNullException.ThrowIfNull(hash);
        hash.Append(width);
        hash.Append(height);
        hash.AppendData(pixels.AsSpan(index * width * height, width * height));
        return true;
    }

    private static string Find(string folder, string[] prefixes, string content, int rank)
    {
        string[] names =
        [
            .. from prefix in prefixes
               from ending in new[] { $"-idx{rank}-ubyte", $"-idx{rank}-ubyte.gz", $".idx{rank}-ubyte", $".idx{rank}-ubyte.gz" }
               select $"{prefix}-{content}{ending}",
        ];
        var root = Path.GetFullPath(folder);
        return names.Select(name => Path.Combine(root, name)).FirstOrDefault(File.Exists)
            ?? throw new DataException($"No '{names[0]}' or '{names[1]}' in '{root}'.");
    }

    private static (int[] Size, byte[] Content) Read(string path, int rank)
    {
        using var file = File.OpenRead(path);
        var compressed = path.EndsWith(".gz", StringComparison.Ordinal);
        using Stream stream = compressed ? new GZipStream(file, CompressionMode.Decompress) : file;
        try
        {
            var size = ReadHeader(path, stream, rank);
            var length = ContentLength(path, size);
            var available = compressed ? (file.Length * MaxDeflateRatio) + 1024 : file.Length;
            if (length > available)
            {
                throw CutOff(path, size, length);
            }

            var content = new byte[length];
            if (stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length)
            {
                throw CutOff(path, size, length);
            }

            return stream.ReadByte() < 0
                ? (size, content)
                : throw new DataException($"IDX file '{path}' goes on after the {length} bytes that its header [{string.Join(", ", size)}] announces.");
        }
        catch (InvalidDataException damaged)
        {
            throw new DataException($"IDX file '{path}' is not a sound gzip file: {damaged.Message} Download it again.", damaged);
        }
    }

    private static int[] ReadHeader(string path, Stream stream, int rank)
    {
        var header = new byte[4 + (4 * rank)];
        var magic = 0x0800 + rank;
        if (stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length || BinaryPrimitives.ReadInt32BigEndian(header) != magic)
        {
            throw new DataException($"IDX file '{path}' begins with {Convert.ToHexString(header.AsSpan(0, 4))}; expected {magic:X8}: unsigned bytes in {rank} dimension(s).");
        }

        return [.. Enumerable.Range(1, rank).Select(axis => BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4 * axis)))];
    }

    private static int ContentLength(string path, int[] size)
    {
        var length = 1L;
        foreach (var dimension in size)
        {
            length = dimension is > 0 and <= (int)MaxBytes ? length * dimension : long.MaxValue;
            if (length > MaxBytes)
            {
                throw new DataException($"IDX file '{path}' announces [{string.Join(", ", size)}]; expected positive sizes and at most {MaxBytes} bytes together.");
            }
        }

        return (int)length;
    }

    private static DataException CutOff(string path, int[] size, int length) =>
        new($"IDX file '{path}' is cut off: its header announces [{string.Join(", ", size)}], {length} bytes. Download it again.");
}
