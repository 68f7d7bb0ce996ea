namespace AutoProg.Ort.Files;

/// <summary>Element types of safetensors files.</summary>
public enum TensorType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned, 8 bit.</summary>
    U8,

    /// <summary>Signed, 8 bit.</summary>
    I8,

    /// <summary>Unsigned, 16 bit.</summary>
    U16,

    /// <summary>Signed, 16 bit.</summary>
    I16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>The upper half of a single-precision number.</summary>
    BF16,

    /// <summary>Unsigned, 32 bit.</summary>
    U32,

    /// <summary>Signed, 32 bit.</summary>
    I32,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>Unsigned, 64 bit.</summary>
    U64,

    /// <summary>Signed, 64 bit.</summary>
    I64,

    /// <summary>IEEE double precision.</summary>
    F64,
}

/// <summary>Facts about element types.</summary>
public static class TensorTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this TensorType type) => type switch
    {
        TensorType.Bool or TensorType.U8 or TensorType.I8 => 1,
        TensorType.U16 or TensorType.I16 or TensorType.F16 or TensorType.BF16 => 2,
        TensorType.U32 or TensorType.I32 or TensorType.F32 => 4,
        TensorType.U64 or TensorType.I64 or TensorType.F64 => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown element type."),
    };

    /// <summary>The format's spelling, e.g. <c>BF16</c>.</summary>
    public static string Spelling(this TensorType type) => type.ToString().ToUpperInvariant();

    /// <summary>The type of a spelling; false for one that this engine does not know.</summary>
    public static bool TryParse(string spelling, out TensorType type)
    {
        foreach (var candidate in Enum.GetValues<TensorType>())
        {
            if (string.Equals(candidate.Spelling(), spelling, StringComparison.Ordinal))
            {
                type = candidate;
                return true;
            }
        }

        type = default;
        return false;
    }
}
