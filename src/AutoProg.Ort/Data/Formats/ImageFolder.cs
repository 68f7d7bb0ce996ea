using System.Security.Cryptography;

namespace AutoProg.Ort.Data.Formats;

/// <summary>
/// <c>folder/class/*.{jpg,jpeg,png,bmp,webp}</c>: one folder per class; labels follow the ordinal order of the folder names,
/// images the ordinal order of labels and file names. Names that begin with a dot are skipped.
/// </summary>
public sealed class ImageFolder : IImageDataset
{
    private const int FilesReadForIdentity = 256;

    private readonly string folder;
    private readonly string[] classNames;
    private readonly string[] files;
    private readonly int[] labels;

    /// <summary>Lists the folder; no image is opened.</summary>
    /// <param name="folder">The split's folder.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    /// <exception cref="DataException">The folder is missing, has no class folders, or a class folder has no images.</exception>
    public ImageFolder(string folder, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        this.folder = Path.GetFullPath(folder);
        if (!Directory.Exists(this.folder))
        {
            throw new DataException($"Image folder '{this.folder}' does not exist.");
        }

        Name = $"{Path.GetFileName(Path.GetDirectoryName(this.folder))}/{Path.GetFileName(this.folder)}";
        classNames = VisibleNames(Directory.EnumerateDirectories(this.folder));
        if (classNames.Length == 0)
        {
            throw new DataException($"Image folder '{this.folder}' has no class folders; expected one folder of images per class.");
        }

        var allFiles = new List<string>();
        var allLabels = new List<int>();
        for (var label = 0; label < classNames.Length; label++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var images = VisibleNames(Directory.EnumerateFiles(Path.Combine(this.folder, classNames[label])).Where(IsImage));
            if (images.Length == 0)
            {
                throw new DataException(
                    $"Class folder '{Path.Combine(this.folder, classNames[label])}' has no images; expected files ending in {string.Join(", ", ImageDecoder.Extensions)}. Remove the folder or add images.");
            }

            allFiles.AddRange(images);
            allLabels.AddRange(Enumerable.Repeat(label, images.Length));
        }

        files = [.. allFiles];
        labels = [.. allLabels];
    }

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public int Count => files.Length;

    /// <inheritdoc />
    public IReadOnlyList<string> ClassNames => classNames;

    /// <inheritdoc />
    public int LabelOf(int index) => labels[index];

    /// <inheritdoc />
    public string Describe(int index) => Path.Combine(folder, classNames[labels[index]], files[index]);

    /// <inheritdoc />
    public RgbImage Load(int index, int minimumSide) => ImageDecoder.Decode(Describe(index), minimumSide);

    /// <summary>Name and length of the file; of every so many-th, at least 256 or all that there are, the content as well. Whoever edits others in place and keeps their length is not noticed.</summary>
    /// <inheritdoc />
    public bool TryIdentify(int index, IncrementalHash hash)
    {
        ArgumentNullException.ThrowIfNull(hash);
        hash.Append(files[index]);
        try
        {
            using var file = index % Math.Max(1, Count / FilesReadForIdentity) == 0 ? File.OpenRead(Describe(index)) : null;
            hash.Append(file?.Length ?? new FileInfo(Describe(index)).Length);
            hash.AppendData(file is null ? [] : SHA256.HashData(file));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // That it cannot be read is what is known of it; training takes the next one, up to a limit.
            hash.Append(-1);
        }

        return true;
    }

    private static bool IsImage(string path) => ImageDecoder.Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    private static string[] VisibleNames(IEnumerable<string> paths)
    {
        var names = paths.Select(path => Path.GetFileName(path)).Where(name => !name.StartsWith('.')).ToArray();
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }
}
