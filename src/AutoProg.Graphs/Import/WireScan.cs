using Google.Protobuf;

namespace AutoProg.Graphs.Import;

/// <summary>
/// Walks over a model file without making objects of it. A few bytes of a file may become a large object, elements of tensors excepted;
/// so what is no element is counted before the file is parsed.
/// </summary>
internal static class WireScan
{
    private const int ModelGraph = 7;
    private const int GraphInitializer = 5;
    private const int TensorFloats = 4;
    private const int TensorRawData = 9;
    private const int TensorDoubles = 10;

    /// <summary>Bytes of a model that are no elements of initialisers.</summary>
    /// <exception cref="InvalidProtocolBufferException">The bytes are no protobuf message.</exception>
    public static long StructureBytes(Stream model)
    {
        using var input = CodedInputStream.CreateWithLimits(model, int.MaxValue, recursionLimit: 100);
        var elements = 0L;
        Visit(input, long.MaxValue, ModelGraph, graphEnd =>
            Visit(input, graphEnd, GraphInitializer, tensorEnd => elements += ElementBytes(input, tensorEnd)));
        return input.Position - elements;
    }

    private static long ElementBytes(CodedInputStream input, long end)
    {
        var bytes = 0L;
        while (input.Position < end && input.ReadTag() is var tag and not 0)
        {
            var start = input.Position;
            input.SkipLastField();
            bytes += WireFormat.GetTagFieldNumber(tag) is TensorFloats or TensorRawData or TensorDoubles ? input.Position - start : 0;
        }

        return bytes;
    }

    /// <summary>Hands the end of every message in a field to a visitor, and skips all other fields up to an end.</summary>
    private static void Visit(CodedInputStream input, long end, int field, Action<long> visit)
    {
        while (input.Position < end && input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited && WireFormat.GetTagFieldNumber(tag) == field)
            {
                var length = input.ReadLength();
                visit(input.Position + length);
            }
            else
            {
                input.SkipLastField();
            }
        }
    }
}
