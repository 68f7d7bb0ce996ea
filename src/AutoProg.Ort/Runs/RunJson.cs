using System.Text.Json;
using System.Text.Json.Serialization;

namespace AutoProg.Ort.Runs;

/// <summary>How the files of a run spell JSON: snake_case, enums by name, NaN and infinities as text.</summary>
internal static class RunJson
{
    public static JsonSerializerOptions Lines { get; } = Options(indented: false);

    public static JsonSerializerOptions Document { get; } = Options(indented: true);

    private static JsonSerializerOptions Options(bool indented) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = indented,
        NewLine = "\n",
        MaxDepth = 32,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };
}
