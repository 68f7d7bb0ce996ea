using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using AutoProg.Ort.Files;

namespace AutoProg.Ort.Runs;

/// <summary>
/// What <c>state.json</c> says about a checkpoint. Content of the file, with its checks; checkpoints may come from strangers.
/// The file begins with its seal: the SHA-256 of every byte that comes after.
/// </summary>
/// <param name="Step">Updates done.</param>
/// <param name="Sequence">Counts the checkpoints of a run; the highest is the newest, whatever its step.</param>
/// <param name="Best">Whether it was the best so far when it was saved.</param>
/// <param name="Files">Length and SHA-256 of every tensor file.</param>
/// <param name="State">What the trainer needs besides tensors, as written.</param>
internal sealed partial record CheckpointManifest(long Step, long Sequence, bool Best, IReadOnlyDictionary<string, FileSeal> Files, JsonElement State)
{
    public const string FileName = "state.json";
    private const int Format = 2;
    private const int SealDigits = 64;
    private const long LongestFile = 64 << 20;
    private const int MostFiles = 256;

    private static ReadOnlySpan<byte> BeforeSeal => "{\n  \"sha256\": \""u8;

    /// <summary>Whether a checkpoint may hold a file of this name; no name leads out of its folder.</summary>
    public static bool IsFileName(string name) => TensorFileName().IsMatch(name);

    /// <summary>The folder of a step; saving a step again gives the next attempt, and no folder is ever written twice.</summary>
    public static string FolderName(long step, int attempt) =>
        string.Create(CultureInfo.InvariantCulture, $"step-{step:D7}{(attempt == 1 ? "" : $"-{attempt}")}");

    /// <summary>Whether this is the name of a checkpoint's folder.</summary>
    public static bool IsFolderName(string name) => StepFolderName().IsMatch(name);

    /// <summary>The file's content.</summary>
    public static byte[] Write<TState>(long step, long sequence, bool best, IReadOnlyDictionary<string, FileSeal> files, TState state)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("sha256", new string('0', SealDigits));
            json.WriteNumber("format", Format);
            json.WriteNumber("step", step);
            json.WriteNumber("sequence", sequence);
            json.WriteBoolean("best", best);
            json.WriteStartObject("files");
            foreach (var (name, seal) in files)
            {
                json.WriteStartObject(name);
                json.WriteNumber("length", seal.Length);
                json.WriteString("sha256", seal.Sha256);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WritePropertyName("state");
            json.WriteRawValue(JsonSerializer.SerializeToUtf8Bytes(state, RunJson.Document));
            json.WriteEndObject();
        }

        return Seal(stream.ToArray());
    }

    /// <summary>Writes the seal of a content that begins with a place for it.</summary>
    internal static byte[] Seal(byte[] content)
    {
        Encoding.ASCII.GetBytes(SealOf(content)).CopyTo(content, BeforeSeal.Length);
        return content;
    }

    private static string SealOf(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content[(BeforeSeal.Length + SealDigits)..]));

    private static bool IsSealed(ReadOnlySpan<byte> content) =>
        content.Length > BeforeSeal.Length + SealDigits && content.StartsWith(BeforeSeal) && content[BeforeSeal.Length..].StartsWith(Encoding.ASCII.GetBytes(SealOf(content)));

    /// <summary>Reads a checkpoint's manifest, not its tensors.</summary>
    /// <exception cref="FileFormatException">It is missing, damaged, of another version, or says something impossible.</exception>
    public static CheckpointManifest Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        var file = new FileInfo(path);
        Expect(file.Exists, path, "is missing; the checkpoint is not complete");
        Expect(file.Length <= LongestFile, path, $"{file.Length} bytes long; expected at most {LongestFile}");
        try
        {
            var content = File.ReadAllBytes(path);
            using var document = JsonDocument.Parse(content, new JsonDocumentOptions { MaxDepth = 64, AllowDuplicateProperties = false });
            return Read(document.RootElement, IsSealed(content), path, Path.GetFileName(Path.GetFullPath(folder)));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new FileFormatException(path, $"is not valid JSON ({error.Message}); the checkpoint is damaged", error);
        }
    }

    private static CheckpointManifest Read(JsonElement root, bool isSealed, string path, string folderName)
    {
        Expect(root.ValueKind == JsonValueKind.Object, path, "is no JSON object; the checkpoint is damaged");
        var format = Count(root, "format", path);
        Expect(format == Format, path, $"has format {format}; this version reads format {Format}");
        Expect(isSealed, path, "differs from what was saved (SHA-256); the checkpoint is damaged");
        var step = Count(root, "step", path);
        Expect(!IsFolderName(folderName) || folderName.StartsWith(FolderName(step, 1), StringComparison.Ordinal), path, $"tells of step {step}, but lies in '{folderName}'; the checkpoint is damaged");
        Expect(root.TryGetProperty("best", out var best) && best.ValueKind is JsonValueKind.True or JsonValueKind.False, path, "has no 'best'");

        Expect(root.TryGetProperty("files", out var files) && files.ValueKind == JsonValueKind.Object && files.GetPropertyCount() <= MostFiles, path, $"has no list 'files' of at most {MostFiles}");
        var seals = new Dictionary<string, FileSeal>(StringComparer.Ordinal);
        foreach (var file in files.EnumerateObject())
        {
            Expect(IsFileName(file.Name), path, "names a file that is no plain name ending in .safetensors; the checkpoint does not come from this engine");
            Expect(file.Value.ValueKind == JsonValueKind.Object, path, $"has no seal for '{file.Name}'");
            seals.Add(file.Name, new FileSeal(Count(file.Value, "length", path), Hash(file.Value, "sha256", path)));
        }

        Expect(root.TryGetProperty("state", out var state), path, "has no 'state'");
        return new CheckpointManifest(step, Count(root, "sequence", path), best.GetBoolean(), seals, state.Clone());
    }

    private static long Count(JsonElement parent, string name, string path)
    {
        var count = -1L;
        Expect(parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out count) && count >= 0, path,
            $"has no whole number '{name}' of at least 0; the checkpoint is damaged");
        return count;
    }

    private static string Hash(JsonElement parent, string name, string path)
    {
        Expect(parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && Sha256Text().IsMatch(value.GetString()!), path, $"has no SHA-256 '{name}'; the checkpoint is damaged");
        return value.GetString()!;
    }

    private static void Expect(bool holds, string path, string problem)
    {
        if (!holds)
        {
            throw new FileFormatException(path, problem);
        }
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,99}\.safetensors\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TensorFileName();

    [GeneratedRegex(@"\Astep-[0-9]{7,19}(-[0-9]{1,9})?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex StepFolderName();

    [GeneratedRegex(@"\A[0-9a-f]{64}\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sha256Text();
}

/// <summary>Tells whether a file is still what was written.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits.</param>
internal sealed record FileSeal(long Length, string Sha256);
