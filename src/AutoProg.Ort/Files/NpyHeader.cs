using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using AutoProg.Graphs;

namespace AutoProg.Ort.Files;

/// <summary>The beginning of a <c>.npy</c> file, version 1.0: magic, length, and a dictionary in Python's spelling, which is matched and never evaluated.</summary>
internal sealed partial record NpyHeader(TensorType Type, Shape Shape)
{
    private const int Alignment = 64;
    private const int MostDimensions = 32;

    private static readonly (TensorType Type, string Spelling)[] Types =
    [
        (TensorType.Bool, "|b1"), (TensorType.U8, "|u1"), (TensorType.I8, "|i1"), (TensorType.U16, "<u2"), (TensorType.I16, "<i2"), (TensorType.F16, "<f2"),
        (TensorType.U32, "<u4"), (TensorType.I32, "<i4"), (TensorType.F32, "<f4"), (TensorType.U64, "<u8"), (TensorType.I64, "<i8"), (TensorType.F64, "<f8"),
    ];

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0];

    /// <summary>Bytes of all elements.</summary>
    public long ByteLength => Shape.ElementCount * Type.Size();

    /// <summary>The header's bytes, padded to a multiple of 64 as the format wishes.</summary>
    /// <exception cref="ArgumentException">NumPy has no such element type.</exception>
    public byte[] ToBytes()
    {
        var spelling = Types.FirstOrDefault(row => row.Type == Type).Spelling ?? throw new ArgumentException($"NumPy has no element type {Type.Spelling()}; store F32 instead.");
        var dims = string.Concat(Shape.Select(static dim => string.Create(CultureInfo.InvariantCulture, $"{dim}, ")));
        var text = $"{{'descr': '{spelling}', 'fortran_order': False, 'shape': ({(Shape.Rank > 1 ? dims[..^2] : dims.TrimEnd())}), }}";
        var length = (Magic.Length + sizeof(ushort) + text.Length + 1 + Alignment - 1) / Alignment * Alignment;
        var bytes = new byte[length];
        bytes.AsSpan().Fill((byte)' ');
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(Magic.Length), (ushort)(length - Magic.Length - sizeof(ushort)));
        Encoding.ASCII.GetBytes(text, bytes.AsSpan(Magic.Length + sizeof(ushort)));
        bytes[^1] = (byte)'\n';
        return bytes;
    }

    /// <summary>Reads a header from the start of an array.</summary>
    /// <param name="read">Fills memory with the next bytes.</param>
    /// <param name="length">Receives the header's bytes.</param>
    /// <exception cref="FormatException">What is wrong, and what was expected.</exception>
    public static NpyHeader Read(ReadBytes read, out int length)
    {
        Span<byte> start = stackalloc byte[Magic.Length + sizeof(ushort)];
        read(start);
        Expect(start[..6].SequenceEqual(Magic[..6]), "it does not begin as a .npy array");
        Expect(start[6] == 1 && start[7] == 0, $"it is of version {start[6]}.{start[7]}, expected 1.0");
        var text = new byte[BinaryPrimitives.ReadUInt16LittleEndian(start[Magic.Length..])];
        read(text);
        length = start.Length + text.Length;
        var match = Dictionary().Match(Encoding.Latin1.GetString(text));
        Expect(match.Success, "its header is not {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } with a type and a shape");
        var spelling = match.Groups["descr"].Value;
        var known = Types.FirstOrDefault(row => row.Spelling == spelling);
        Expect(known.Spelling is not null, $"its elements are '{Shown(spelling)}'; known are {string.Join(", ", Types.Select(static row => row.Spelling))}");
        var dims = match.Groups["dim"].Captures.Select(static capture => long.Parse(capture.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture)).ToArray();
        Expect(dims.Length <= MostDimensions, $"it has {dims.Length} dimensions, more than {MostDimensions}");
        Expect(match.Groups["order"].Value == "False" || dims.Length < 2, "it is stored column by column; save it as a C-contiguous array");
        var bytes = dims.Aggregate((Int128)known.Type.Size(), static (product, dim) => Int128.Min(product * Math.Max(dim, 1), (Int128)long.MaxValue + 1));
        Expect(bytes <= long.MaxValue, "it is larger than any file");
        return new(known.Type, Shape.Of(dims));
    }

    private static string Shown(string text) => string.Concat(text.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '|' or '<' or '>' or '=' ? c : '?'));

    private static void Expect([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool holds, string problem)
    {
        if (!holds)
        {
            throw new FormatException(problem);
        }
    }

    [GeneratedRegex(
        @"\A\{ ?'descr': ?'(?<descr>[^'\\]{1,16})', ?'fortran_order': ?(?<order>True|False), ?'shape': ?\((?:(?<dim>[0-9]{1,18})(?:, ?(?<dim>[0-9]{1,18}))*,?)?\),? ?\} *\n\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Dictionary();
}

/// <summary>Fills memory with the next bytes of a stream, all of it.</summary>
internal delegate void ReadBytes(Span<byte> destination);
