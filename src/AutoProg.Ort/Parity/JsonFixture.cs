using System.Text.Json;
using System.Text.Json.Serialization;

namespace AutoProg.Ort.Parity;

/// <summary>Reads golden tables, which may come from anywhere, into records whose members are all required.</summary>
internal static class JsonFixture
{
    // The published tables are below 100 KB.
    private const long MaxBytes = 64 << 20;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    };

    public static T Read<T>(string folder, string file)
    {
        var path = Path.Combine(folder, file);
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > MaxBytes)
            {
                throw new FixtureException($"{path}: {stream.Length} bytes, expected at most {MaxBytes}.");
            }

            using var document = JsonDocument.Parse(stream);
            RefuseNullElements(document.RootElement, path, "$");
            return document.Deserialize<T>(Options) ?? throw new FixtureException($"{path}: holds null, expected a table.");
        }
        catch (JsonException malformed)
        {
            throw new FixtureException($"{path}: {malformed.Path ?? "$"}: {malformed.Message}", malformed);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new FixtureException($"{path}: {unreadable.Message}", unreadable);
        }
    }

    /// <summary>A part of a document that has been read as it is.</summary>
    /// <exception cref="JsonException">It is not what is expected.</exception>
    public static T Convert<T>(JsonElement element) => element.Deserialize<T>(Options) ?? throw new JsonException("is null");

    // The serializer holds members to their nullability, but not the elements of lists.
    private static void RefuseNullElements(JsonElement element, string path, string place)
    {
        if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var member in element.EnumerateObject())
            {
                RefuseNullElements(member.Value, path, $"{place}.{member.Name}");
            }
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var item in element.EnumerateArray())
            {
                if (item.ValueKind == JsonValueKind.Null)
                {
                    throw new FixtureException($"{path}: {place}[{index}] is null, expected a value.");
                }

                if (item.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
                {
                    RefuseNullElements(item, path, $"{place}[{index}]");
                }

                index++;
            }
        }
    }

    /// <summary>Compares a table row by row. Arguments that the engine refuses make the row malformed.</summary>
    public static IEnumerable<ParityCase> Rows<T>(string path, string table, IReadOnlyList<T> rows, double limit, Func<T, double> error)
    {
        for (var i = 0; i < rows.Count; i++)
        {
            var name = $"{table}[{i}]";
            ParityCase compared;
            try
            {
                compared = new(name, error(rows[i]), limit);
            }
            catch (Exception refused) when (refused is ArgumentException or FixtureException or OverflowException)
            {
                throw new FixtureException($"{path}: {name}: {refused.Message}", refused);
            }

            yield return compared;
        }
    }
}
