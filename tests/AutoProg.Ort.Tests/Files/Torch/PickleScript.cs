using System.Buffers.Binary;
using System.Collections;
using System.Text;

namespace AutoProg.Ort.Tests.Files.Torch;

/// <summary>A tensor for <see cref="PickleScript"/>, as torch pickles it.</summary>
internal sealed record PickledTensor(string StorageType, string Key, long Count, long Offset, long[] Sizes, long[] Strides);

/// <summary>A pickle, written instruction by instruction (protocol 2, as torch writes it).</summary>
internal sealed class PickleScript
{
    private readonly List<byte> written = [];
    private int stored;

    public PickleScript() => Raw(0x80, 2);

    /// <summary>The pickle of a value with its end.</summary>
    public static byte[] Of(object? value) => new PickleScript().Value(value).End();

    public PickleScript Raw(params ReadOnlySpan<byte> bytes)
    {
        written.AddRange(bytes);
        return this;
    }

    public PickleScript Raw(string latin) => Raw(Encoding.Latin1.GetBytes(latin));

    public PickleScript Global(string module, string name) => Raw($"c{module}\n{name}\n");

    /// <summary>A value; dictionaries, lists and arrays (as tuples) nest.</summary>
    public PickleScript Value(object? value) => value switch
    {
        null => Raw("N"),
        bool truth => Raw(truth ? (byte)0x88 : (byte)0x89),
        int number => Value((long)number),
        long and >= 0 and < 256 => Raw((byte)'K', (byte)(long)value),
        long and >= int.MinValue and <= int.MaxValue => Raw("J").Raw(Bytes((int)(long)value)),
        long number => Raw(0x8a, 8).Raw(BitConverter.GetBytes(number)),
        double number => Raw("G").Raw(BigEndian(number)),
        string text => Text(text).Put(),
        PickledTensor tensor => Tensor(tensor),
        IDictionary dictionary => Dictionary(dictionary),
        Array tuple => Tuple(tuple),
        IList list => Raw("]").Put().Raw("(").All(list).Raw("e"),
        _ => throw new ArgumentException($"No pickle for {value.GetType()}.", nameof(value)),
    };

    public PickleScript Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return Raw("X").Raw(Bytes(utf8.Length)).Raw(utf8);
    }

    public PickleScript Tensor(PickledTensor t)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Raw("(");
        Tuple((object[])["storage", new NamedGlobal("torch", t.StorageType), t.Key, "cpu", t.Count]).Raw("Q");
        Value(t.Offset).Value(t.Sizes).Value(t.Strides).Value(false);
        return Global("collections", "OrderedDict").Raw(")R").Put().Raw("t").Put().Raw("R").Put();
    }

    /// <summary>Stores the top of the stack.</summary>
    public PickleScript Put() => stored < 256 ? Raw((byte)'q', (byte)stored++) : Raw("r").Raw(Bytes(stored++));

    public byte[] End()
    {
        Raw(".");
        return [.. written];
    }

    private PickleScript Dictionary(IDictionary dictionary)
    {
        Raw("}").Put().Raw("(");
        foreach (DictionaryEntry item in dictionary)
        {
            Value(item.Key).Value(item.Value);
        }

        return Raw("u");
    }

    private PickleScript Tuple(Array tuple) => tuple.Length switch
    {
        0 => Raw(")"),
        <= 3 => All(tuple).Raw((byte)(0x84 + tuple.Length)).Put(),
        _ => Raw("(").All(tuple).Raw("t").Put(),
    };

    private PickleScript All(IEnumerable items)
    {
        foreach (var item in items)
        {
            _ = item is NamedGlobal global ? Global(global.Module, global.Name) : Value(item);
        }

        return this;
    }

    private static byte[] Bytes(int number) => BitConverter.GetBytes(number);

    private static byte[] BigEndian(double number)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, number);
        return bytes;
    }

    private sealed record NamedGlobal(string Module, string Name);
}
