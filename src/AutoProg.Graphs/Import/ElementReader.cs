using System.Runtime.InteropServices;
using AutoProg.Graphs.Artifacts.Protos;

namespace AutoProg.Graphs.Import;

/// <summary>Tensors of model files in every encoding: raw bytes, typed fields, and files beside the model. What they claim is checked before memory is given.</summary>
/// <param name="folder">Where external data lies.</param>
internal sealed class ElementReader(string folder)
{
    private readonly ExternalElements external = new(folder);

    /// <summary>The type of a tensor's elements.</summary>
    /// <exception cref="GraphException">It is none that graphs have.</exception>
    public static ElementType TypeOf(int dataType) => Enum.IsDefined((ElementType)dataType)
        ? (ElementType)dataType
        : throw new GraphException($"elements of ONNX type {dataType} are not supported; known are {string.Join(", ", Enum.GetNames<ElementType>())}.");

    /// <summary>The shape of a tensor.</summary>
    /// <exception cref="GraphException">A dimension is negative, or there are too many axes or elements.</exception>
    public static Shape ShapeOf(TensorProto tensor) => CheckedShape([.. tensor.Dims]);

    /// <summary>A shape within the limits.</summary>
    /// <exception cref="GraphException">A dimension is negative, or there are too many axes or elements.</exception>
    public static Shape CheckedShape(ReadOnlySpan<long> dims)
    {
        if (dims.Length > OnnxLimits.Rank)
        {
            throw new GraphException($"a tensor has {dims.Length} axes, at most {OnnxLimits.Rank} are read.");
        }

        var count = (Int128)1;
        foreach (var dim in dims)
        {
            count *= dim >= 0 ? dim : throw new GraphException($"a tensor has shape [{string.Join(", ", dims.ToArray())}]; sizes are 0 or more.");
            if (count > OnnxLimits.Elements)
            {
                throw new GraphException($"a tensor has shape [{string.Join(", ", dims.ToArray())}], more than {OnnxLimits.Elements} elements.");
            }
        }

        return Shape.Of(dims);
    }

    /// <summary>The elements of a tensor.</summary>
    /// <exception cref="GraphException">Type, shape and data do not fit each other, or the data cannot be had.</exception>
    public Tensor Read(TensorProto tensor)
    {
        var (type, shape) = (TypeOf(tensor.DataType), ShapeOf(tensor));
        var size = shape.ElementCount * type.Size();
        var bytes = tensor.DataLocation == TensorProto.Types.DataLocation.External ? external.Read(tensor.ExternalData, size)
            : tensor.RawData.Length > 0 ? tensor.RawData.Span
            : Typed(tensor, type);
        return bytes.Length != size ? throw new GraphException($"a tensor {type}{shape} has {bytes.Length} bytes, {size} are needed.")
            : Tensor.FromBytes(type, shape, type == ElementType.Bool ? Array.ConvertAll(bytes.ToArray(), static b => (byte)(b == 0 ? 0 : 1)) : bytes);
    }

    /// <summary>Elements in the field that goes with their type; narrow ones lie in 32 bits each.</summary>
    private static byte[] Typed(TensorProto tensor, ElementType type) => type switch
    {
        ElementType.Float => MemoryMarshal.AsBytes<float>(tensor.FloatData.ToArray()).ToArray(),
        ElementType.Double => MemoryMarshal.AsBytes<double>(tensor.DoubleData.ToArray()).ToArray(),
        ElementType.Int64 => MemoryMarshal.AsBytes<long>(tensor.Int64Data.ToArray()).ToArray(),
        ElementType.Int32 => MemoryMarshal.AsBytes<int>(tensor.Int32Data.ToArray()).ToArray(),
        ElementType.Float16 or ElementType.BFloat16 => MemoryMarshal.AsBytes<ushort>(Array.ConvertAll(tensor.Int32Data.ToArray(), static i => unchecked((ushort)i))).ToArray(),
        _ => Array.ConvertAll(tensor.Int32Data.ToArray(), static i => unchecked((byte)i)),
    };
}
