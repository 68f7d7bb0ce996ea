using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using AutoProg.Graphs;

namespace AutoProg.Ort.Files.Torch;

/// <summary>
/// Reads the plain part of Python's pickle format: dictionaries, lists, tuples, text, numbers, and what <see cref="TorchObjects"/> makes of the few names that state dicts
/// refer to. A pickle is a program that may call anything by name; here names are looked up in a fixed list and everything else is refused, so nothing is executed.
/// Dictionaries become <see cref="PickledDict"/>, lists <see cref="List{T}"/>, tuples arrays, whole numbers <see langword="long"/>.
/// </summary>
internal sealed class PickleReader
{
    /// <summary>A checkpoint of a billion parameters takes about a megabyte.</summary>
    public const int MostBytes = 64 << 20;

    // About 40 instructions describe a tensor.
    private const int MostOperations = 2_000_000;
    private const int MostValuesOnStack = 100_000;
    private const int MostMarks = 1000;
    private const int LongestText = 1 << 20;
    private const int LongestGlobal = 256;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] bytes;
    private readonly TorchObjects objects;
    private readonly List<object?> stack = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<uint, object?> memo = [];
    private int at;
    private int start;

    private PickleReader(byte[] bytes, TorchObjects objects)
    {
        this.bytes = bytes;
        this.objects = objects;
    }

    /// <summary>Reads a pickle to its end.</summary>
    /// <exception cref="FileFormatException">It is damaged, too large, or says more than tensors in plain containers.</exception>
    public static object? Read(byte[] bytes, TorchObjects objects) => new PickleReader(bytes, objects).Run();

    private object? Run()
    {
        for (var count = 0; count < MostOperations; count++)
        {
            start = at;
            var operation = (PickleOperation)Byte();
            if (operation == PickleOperation.Stop)
            {
                return Result();
            }

            if (!(Number(operation) || Container(operation) || Memory(operation) || Call(operation)))
            {
                throw Unknown(operation);
            }

            if (stack.Count > MostValuesOnStack)
            {
                throw Refuse($"puts more than {MostValuesOnStack} values on the stack");
            }
        }

        throw Refuse($"has more than {MostOperations} instructions");
    }

    private object? Result()
    {
        Expect(stack.Count == 1 && marks.Count == 0, $"ends with {stack.Count} values on the stack and {marks.Count} open marks");
        Expect(at == bytes.Length, $"goes on for {bytes.Length - at} bytes behind its end");
        return stack[0];
    }

    /// <summary>Numbers, truth values, text.</summary>
    private bool Number(PickleOperation operation)
    {
        switch (operation)
        {
            case PickleOperation.None: Push(null); return true;
            case PickleOperation.NewTrue: Push(true); return true;
            case PickleOperation.NewFalse: Push(false); return true;
            case PickleOperation.BinInt: Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); return true;
            case PickleOperation.BinInt1: Push((long)Byte()); return true;
            case PickleOperation.BinInt2: Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); return true;
            case PickleOperation.Long1: PushInteger(Take(Byte())); return true;
            case PickleOperation.BinFloat: Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); return true;
            case PickleOperation.BinUnicode: Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); return true;
            case PickleOperation.ShortBinUnicode: Push(Text(Byte())); return true;
            default: return false;
        }
    }

    /// <summary>Dictionaries, lists, tuples.</summary>
    private bool Container(PickleOperation operation)
    {
        switch (operation)
        {
            case PickleOperation.Mark:
                Expect(marks.Count < MostMarks, $"nests deeper than {MostMarks} marks");
                marks.Add(stack.Count);
                return true;
            case PickleOperation.EmptyDict: Push(new PickledDict()); return true;
            case PickleOperation.EmptyList: Push(new List<object?>()); return true;
            case PickleOperation.EmptyTuple: Push(Array.Empty<object?>()); return true;
            case PickleOperation.Tuple1: Push(Pop(1)); return true;
            case PickleOperation.Tuple2: Push(Pop(2)); return true;
            case PickleOperation.Tuple3: Push(Pop(3)); return true;
            case PickleOperation.Tuple: Push(PopToMark()); return true;
            case PickleOperation.Append: Append(Pop(1)); return true;
            case PickleOperation.Appends: Append(PopToMark()); return true;
            case PickleOperation.SetItem: SetItems(Pop(2)); return true;
            case PickleOperation.SetItems: SetItems(PopToMark()); return true;
            default: return false;
        }
    }

    /// <summary>What is referred to twice, and framing.</summary>
    private bool Memory(PickleOperation operation)
    {
        switch (operation)
        {
            case PickleOperation.Proto:
                var version = Byte();
                Expect(version is >= 2 and <= 5, $"has pickle protocol {version}; 2 to 5 are known");
                return true;
            case PickleOperation.Frame:
                var length = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                Expect(length <= (ulong)(bytes.Length - at), "has a frame that reaches beyond its end");
                return true;
            case PickleOperation.BinPut: memo[Byte()] = Top(); return true;
            case PickleOperation.LongBinPut: memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top(); return true;
            case PickleOperation.Memoize: memo[(uint)memo.Count] = Top(); return true;
            case PickleOperation.BinGet: Push(Recall(Byte())); return true;
            case PickleOperation.LongBinGet: Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)))); return true;
            default: return false;
        }
    }

    /// <summary>Names and what is done with them.</summary>
    private bool Call(PickleOperation operation)
    {
        switch (operation)
        {
            case PickleOperation.Global:
                Push(objects.Find(Line(), Line(), start));
                return true;
            case PickleOperation.Inst:
                // Names a class and makes one in a single instruction; the name is what the reader of the message needs.
                objects.Find(Line(), Line(), start);
                return false;
            case PickleOperation.StackGlobal:
                var names = Pop(2);
                Expect(names is [string, string], "looks up a name that is no text");
                Push(objects.Find((string)names[0]!, (string)names[1]!, start));
                return true;
            case PickleOperation.Reduce:
                var call = Pop(2);
                Push(call[1] is object?[] arguments ? objects.Call(call[0], arguments, start) : throw Refuse("calls something with arguments that are no tuple"));
                return true;
            case PickleOperation.Build:
                // The state of an OrderedDict is the _metadata that PyTorch hangs on it: versions of modules, which nobody needs.
                var state = Pop(2);
                Expect(state is [PickledDict { Ordered: true }, PickledDict], "sets the state of an object (BUILD), which only an OrderedDict may have");
                Push(state[0]);
                return true;
            case PickleOperation.BinPersId:
                Push(objects.Load(Pop(1)[0], start));
                return true;
            default:
                return false;
        }
    }

    private void Append(object?[] items)
    {
        Expect(stack.Count > Floor && stack[^1] is List<object?>, "appends to something that is no list");
        ((List<object?>)stack[^1]!).AddRange(items);
    }

    private void SetItems(object?[] items)
    {
        Expect(stack.Count > Floor && stack[^1] is PickledDict && items.Length % 2 == 0, "sets items of something that is no dictionary");
        var target = (PickledDict)stack[^1]!;
        for (var i = 0; i < items.Length; i += 2)
        {
            var key = items[i] switch
            {
                string text => text,
                long number => number.ToString(CultureInfo.InvariantCulture),
                _ => throw Refuse("has a dictionary key that is neither text nor a whole number"),
            };
            if (!target.Items.TryAdd(key, items[i + 1]))
            {
                throw Refuse($"sets the key '{UntrustedText.Shown(key)}' twice");
            }
        }
    }

    private void PushInteger(ReadOnlySpan<byte> littleEndian)
    {
        var value = new BigInteger(littleEndian);
        if (value >= long.MinValue && value <= long.MaxValue)
        {
            Push((long)value);
        }
        else
        {
            Push(value);
        }
    }

    private string Text(uint length)
    {
        Expect(length <= LongestText, $"has a text of {length} bytes, more than {LongestText}");
        return Decode(Take((int)length));
    }

    private string Line()
    {
        var end = bytes.AsSpan(at).IndexOf((byte)'\n');
        Expect(end >= 0, "ends in the middle of an instruction; the file is damaged");
        Expect(end <= LongestGlobal, $"has a name of {end} bytes, more than {LongestGlobal}");
        var text = Decode(Take(end));
        at++;
        return text;
    }

    private string Decode(ReadOnlySpan<byte> text)
    {
        try
        {
            return Strict.GetString(text);
        }
        catch (DecoderFallbackException)
        {
            throw Refuse("has a text that is not UTF-8");
        }
    }

    private object? Recall(uint index) => memo.TryGetValue(index, out var value) ? value : throw Refuse($"refers to value {index}, which it has not stored");

    // Values below the topmost mark belong to somebody else.
    private int Floor => marks.Count == 0 ? 0 : marks[^1];

    private void Push(object? value) => stack.Add(value);

    private object? Top()
    {
        Expect(stack.Count > Floor, "stores a value of an empty stack");
        return stack[^1];
    }

    private object?[] Pop(int count)
    {
        Expect(stack.Count - count >= Floor, "takes a value off an empty stack");
        return Cut(stack.Count - count);
    }

    private object?[] PopToMark()
    {
        Expect(marks.Count > 0, "goes back to a mark that it has not set");
        var mark = marks[^1];
        marks.RemoveAt(marks.Count - 1);
        return Cut(mark);
    }

    private object?[] Cut(int from)
    {
        object?[] items = [.. stack[from..]];
        stack.RemoveRange(from, items.Length);
        return items;
    }

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(int count)
    {
        Expect(count <= bytes.Length - at, "ends in the middle of an instruction; the file is damaged");
        at += count;
        return bytes.AsSpan(at - count, count);
    }

    private FileFormatException Unknown(PickleOperation operation) => Refuse(Enum.IsDefined(operation)
        ? $"uses the pickle instruction {operation.ToString().ToUpperInvariant()}, which tensors in plain containers do not need; nothing was executed. {TorchObjects.Cure}"
        : $"uses the unknown pickle instruction 0x{(byte)operation:x2}; the file is damaged");

    private FileFormatException Refuse(string finding) => objects.Refuse(finding, start);

    private void Expect([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool holds, string finding)
    {
        if (!holds)
        {
            throw Refuse(finding);
        }
    }
}

/// <summary>A dictionary of a pickle.</summary>
/// <param name="ordered">True for an OrderedDict.</param>
internal sealed class PickledDict(bool ordered = false)
{
    /// <summary>True for an OrderedDict.</summary>
    public bool Ordered => ordered;

    /// <summary>In the order in which they were set; whole numbers as keys are decimals here.</summary>
    public OrderedDictionary<string, object?> Items { get; } = new(StringComparer.Ordinal);
}
