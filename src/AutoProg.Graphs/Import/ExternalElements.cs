using System.Globalization;
using AutoProg.Graphs.Artifacts.Protos;

namespace AutoProg.Graphs.Import;

/// <summary>Elements that lie in files beside a model. A model from elsewhere must not make us read anything else: only plain files in its own folder, or below, are opened.</summary>
/// <param name="folder">The model's folder.</param>
internal sealed class ExternalElements(string folder)
{
    private readonly string root = Path.GetFullPath(folder);

    /// <summary>Reads the elements of a tensor.</summary>
    /// <param name="entries">The tensor's <c>external_data</c>: location, offset, length.</param>
    /// <param name="size">Bytes that its type and shape need.</param>
    /// <exception cref="GraphException">The entries are malformed, lead out of the folder or beyond the file, or the file cannot be read.</exception>
    public byte[] Read(IEnumerable<StringStringEntryProto> entries, long size)
    {
        var values = entries.GroupBy(static e => e.Key).ToDictionary(static g => g.Key, static g => g.Last().Value, StringComparer.Ordinal);
        var (location, offset) = (values.GetValueOrDefault("location", ""), Number(values, "offset") ?? 0);
        var length = Number(values, "length") ?? size;
        if (length != size)
        {
            throw new GraphException($"external data of {length} bytes is given for a tensor of {size}.");
        }

        if (size > Array.MaxLength)
        {
            throw new GraphException($"a tensor of {size} bytes is too large; at most {Array.MaxLength} are read.");
        }

        var path = Locate(location);
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || offset > file.Length - size)
            {
                throw new GraphException(file.Exists
                    ? $"external data '{UntrustedText.Shown(location)}' has {file.Length} bytes; {size} from {offset} on are asked for."
                    : $"external data '{UntrustedText.Shown(location)}' is not there; it belongs beside the model.");
            }

            if (size == 0)
            {
                return [];
            }

            using var handle = File.OpenHandle(path);
            return FileBytes.Read(handle, offset, size);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new GraphException($"external data '{UntrustedText.Shown(location)}' cannot be read: {error.Message}", error);
        }
    }

    private static long? Number(Dictionary<string, string> values, string key) => !values.TryGetValue(key, out var text) ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw new GraphException($"the {key} of external data is '{UntrustedText.Shown(text)}'; a number of bytes is needed.");

    /// <summary>The file, if no part of its path is absolute, <c>..</c> or a link.</summary>
    private string Locate(string location)
    {
        var parts = location.Split('/', '\\');
        if (parts.Any(static part => part is "" or ".." || part.Contains('\0') || part.Contains(':')))
        {
            throw new GraphException($"external data lies in '{UntrustedText.Shown(location)}'; only files in the model's own folder are read.");
        }

        var path = root;
        foreach (var part in parts)
        {
            path = Path.Combine(path, part);
            if (new FileInfo(path).LinkTarget is not null)
            {
                throw new GraphException($"external data '{UntrustedText.Shown(location)}' is reached through a link; only plain files in the model's own folder are read.");
            }
        }

        return path;
    }
}
