using AutoProg.Ort.Files;
using AutoProg.Ort.Files.Torch;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Tests.Files.Torch;

/// <summary>Files that want to run code, read elsewhere, or take memory and time: each is refused, and says why.</summary>
public sealed class HostileTorchFileTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("nt", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("__builtin__", "exec")]
    [InlineData("subprocess", "Popen")]
    [InlineData("torch", "load")]
    [InlineData("torch._utils", "_rebuild_tensor_v2.__globals__")]
    [InlineData("collections", "OrderedDict.__init__.__globals__")]
    public void No_name_but_the_few_of_tensors_is_looked_up(string module, string name)
    {
        var proof = Path.Combine(Path.GetTempPath(), $"autoprog-{Guid.NewGuid():N}");
        var call = new PickleScript().Global(module, name).Value((object[])[$"touch {proof}"]).Raw("R").End();
        var stackGlobal = new PickleScript().Value(module).Value(name).Raw(0x93).Value((object[])[$"touch {proof}"]).Raw("R").End();
        var inst = new PickleScript().Raw("(").Value($"touch {proof}").Raw($"i{module}\n{name}\n").End();
        var newObj = new PickleScript().Global(module, name).Value((object[])[$"touch {proof}"]).Raw(0x81).End();
        var inPersistentId = new PickleScript().Value("storage").Global(module, name).Raw(0x86, (byte)'Q').End();
        foreach (var pickle in (byte[][])[call, stackGlobal, inst, newObj, inPersistentId])
        {
            Assert.Contains($"refers to {module}.{name}, which is no tensor; only tensors and plain containers are read, and nothing was executed.", Refusal(pickle), StringComparison.Ordinal);
        }

        Assert.False(File.Exists(proof));
    }

    [Theory]
    [InlineData("NN\u0081", "NEWOBJ")]
    [InlineData("NNN\u0092", "NEWOBJEX")]
    [InlineData("(No", "OBJ")]
    [InlineData("\u0082\u0001", "EXT1")]
    [InlineData("\u0083\u0001\u0000", "EXT2")]
    [InlineData("\u0084\u0001\u0000\u0000\u0000", "EXT4")]
    [InlineData("N0", "POP")]
    [InlineData("N2", "DUP")]
    [InlineData("C\u0001x", "SHORTBINBYTES")]
    [InlineData("\u008f", "EMPTYSET")]
    [InlineData("Pid\n", "PERSID")]
    [InlineData("S'x'\n", "STRING")]
    public void Instructions_that_tensors_do_not_need_are_refused_by_name(string instructions, string name) =>
        Assert.Contains($"uses the pickle instruction {name}, which tensors in plain containers do not need; nothing was executed.", Refusal(new PickleScript().Raw(instructions).End()), StringComparison.Ordinal);

    [Theory]
    [InlineData("NNR", "calls something with arguments that are no tuple")]
    [InlineData("N)R", "calls something that is no function")]
    [InlineData("}}b", "sets the state of an object (BUILD), which only an OrderedDict may have")]
    [InlineData("ccollections\nOrderedDict\n}b", "sets the state of an object (BUILD)")]
    [InlineData("ccollections\nOrderedDict\nK\u0001\u0085R", "calls OrderedDict with arguments that PyTorch does not write")]
    [InlineData("ctorch._utils\n_rebuild_tensor_v2\n)R", "calls RebuildTensor with arguments that PyTorch does not write")]
    [InlineData("NQ", "has a persistent id that is no storage")]
    [InlineData("KaQ", "has a persistent id that is no storage")]
    [InlineData("a", "takes a value off an empty stack")]
    [InlineData("N(a", "takes a value off an empty stack")]
    [InlineData("(q\u0000", "stores a value of an empty stack")]
    [InlineData("t", "goes back to a mark that it has not set")]
    [InlineData("h\u0005", "refers to value 5, which it has not stored")]
    [InlineData("NNa", "appends to something that is no list")]
    [InlineData("NNNs", "sets items of something that is no dictionary")]
    [InlineData("}NNs", "has a dictionary key that is neither text nor a whole number")]
    [InlineData("}(K\u0001NK\u0001Nu", "sets the key '1' twice")]
    [InlineData("}X\u0001\u0000\u0000\u0000\u00ffNs", "has a text that is not UTF-8")]
    [InlineData("X\u00ff\u00ff\u00ff\u00ff", "has a text of 4294967295 bytes, more than 1048576")]
    [InlineData("\u0095\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff", "has a frame that reaches beyond its end")]
    [InlineData("\u0080\u0009", "has pickle protocol 9; 2 to 5 are known")]
    [InlineData("\u00fe", "uses the unknown pickle instruction 0xfe")]
    [InlineData("NN", "ends with 2 values on the stack and 0 open marks")]
    [InlineData("N.N", "goes on for 2 bytes behind its end")]
    [InlineData("N", "holds no dictionary of tensors")]
    [InlineData("}", "has no tensor; its parts are none")]
    public void A_pickle_that_no_one_could_have_meant_is_refused(string instructions, string expected) =>
        Assert.Contains(expected, Refusal(new PickleScript().Raw(instructions).End()), StringComparison.Ordinal);

    [Fact]
    public void Memory_and_time_are_limited()
    {
        Assert.Contains("nests deeper than 1000 marks", Refusal(new PickleScript().Raw(new string('(', 100_000)).End()), StringComparison.Ordinal);
        Assert.Contains("puts more than 100000 values on the stack", Refusal(new PickleScript().Raw(new string('N', 200_000)).End()), StringComparison.Ordinal);
        Assert.Contains("has more than 2000000 instructions", Refusal(new PickleScript().Raw("N").Raw(string.Concat(Enumerable.Repeat("r\u0001\u0002\u0003\u0004", 2_000_000))).End()), StringComparison.Ordinal);
        Assert.Contains("has a name of 100000 bytes, more than 256", Refusal(new PickleScript().Global(new string('a', 100_000), "b").End()), StringComparison.Ordinal);

        // Lists within lists, with no call stack to overflow.
        var deep = new PickleScript().Raw("}").Value("a").Raw("]").Raw(new string('\u0085', 90_000)).Raw("s").End();
        Assert.Contains("has no tensor", Refusal(deep), StringComparison.Ordinal);
    }

    [Fact]
    public void Dictionaries_that_contain_themselves_or_unfold_without_end_are_refused()
    {
        Assert.Contains("nests dictionaries deeper than 16", Refusal(new PickleScript().Raw("}q\u0000").Text("a").Raw("h\u0000s").End()), StringComparison.Ordinal);

        // 14 levels, each of which has the one below it ten times.
        var nested = new PickleScript().Raw("}(");
        Nest(nested, 14);
        Assert.Contains("unfolds to more than 1000000 items", Refusal(nested.Raw("u").End()), StringComparison.Ordinal);

        static void Nest(PickleScript script, int level)
        {
            // The first item is the level below, the others are references to it.
            script.Raw("K\u0000");
            _ = level == 0 ? script.Raw("}") : script.Raw("}(");
            if (level > 0)
            {
                Nest(script, level - 1);
                script.Raw("u");
            }

            script.Raw($"r{(char)level}\u0001\u0000\u0000");
            for (var i = 1; i < 10; i++)
            {
                script.Raw($"K{(char)i}j{(char)level}\u0001\u0000\u0000");
            }
        }
    }

    [Theory]
    [InlineData("FloatStorage", "0", 4L, 1L, new[] { 4L }, new[] { 1L }, "has a tensor of shape [4] that reaches to element 4 of a storage of 4")]
    [InlineData("FloatStorage", "0", 4L, 0L, new[] { 2L, 2L }, new[] { 3L, 1L }, "has a tensor of shape [2, 2] that reaches to element 4 of a storage of 4")]
    [InlineData("FloatStorage", "0", 4L, -1L, new[] { 1L }, new[] { 1L }, "has a tensor whose sizes, strides and offset are not as many whole numbers from 0")]
    [InlineData("FloatStorage", "0", 4L, 0L, new[] { 2L }, new[] { -1L }, "has a tensor whose sizes, strides and offset are not as many whole numbers from 0")]
    [InlineData("FloatStorage", "0", 4L, 0L, new[] { 2L }, new long[0], "has a tensor whose sizes, strides and offset are not as many whole numbers from 0")]
    [InlineData("FloatStorage", "0", 4L, 0L, new[] { 1L << 62, 1L << 62, 0L }, new[] { 0L, 0L, 0L }, "larger than any file")]
    [InlineData("FloatStorage", "0", 4L, 0L, new[] { 3L, 3L }, new[] { 1L << 62, 1L << 62 }, "larger than any file")]
    [InlineData("FloatStorage", "0", 4L, 0L, new[] { 1L << 40 }, new[] { 0L }, "repeats the elements of a storage of 4; save it with .contiguous()")]
    [InlineData("FloatStorage", "0", 5L, 0L, new[] { 5L }, new[] { 1L }, "says that storage '0' has 5 elements of 4 bytes, but the archive has 16 bytes of it")]
    [InlineData("DoubleStorage", "0", 4L, 0L, new[] { 4L }, new[] { 1L }, "says that storage '0' has 4 elements of 8 bytes, but the archive has 16 bytes of it")]
    [InlineData("FloatStorage", "0", long.MaxValue, 0L, new[] { 4L }, new[] { 1L }, "says that storage '0' has 9223372036854775807 elements")]
    [InlineData("FloatStorage", "1", 4L, 0L, new[] { 4L }, new[] { 1L }, "refers to storage '1', which the archive does not have")]
    [InlineData("FloatStorage", "../data.pkl", 4L, 0L, new[] { 4L }, new[] { 1L }, "refers to storage '../data.pkl', which the archive does not have")]
    [InlineData("UntypedStorage", "0", 4L, 0L, new[] { 4L }, new[] { 1L }, "refers to torch.UntypedStorage, which is no tensor")]
    public void A_tensor_outside_its_storage_is_refused(string type, string key, long count, long offset, long[] sizes, long[] strides, string expected)
    {
        new TorchArchive(PickleScript.Of(new Dictionary<string, object?> { ["x"] = new PickledTensor(type, key, count, offset, sizes, strides) }), ("0", new byte[16])).Write(path);
        Assert.Contains(expected, Assert.Throws<FileFormatException>(() => TorchReader.Open(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("archive/../../etc/passwd")]
    [InlineData("/archive/x")]
    [InlineData("archive//x")]
    [InlineData("archive\\x")]
    [InlineData("archive/./x")]
    [InlineData("archive/\u0001")]
    public void A_path_that_torch_does_not_write_is_refused(string name)
    {
        Valid().With(name, [1]).Write(path);
        Assert.Contains("which torch.save does not write", Assert.Throws<FileFormatException>(() => TorchReader.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_archive_that_contradicts_itself_is_refused()
    {
        Refused(Valid().With("archive/data/0", new byte[16]), "has two zip entries named 'archive/data/0'");
        Refused(Valid().With("archive/data.pkl", [1]), "has two zip entries named 'archive/data.pkl'");
        Refused(Valid().With("other/data.pkl", [1]), "is a zip file with 2 entries named */data.pkl; torch.save writes one");
        Refused(Valid().With("archive/constants.pkl", [1]), "is a TorchScript program");
        Refused(Valid().With("archive/byteorder", "big"u8.ToArray()), "whose numbers are not little-endian");
        Refused(Valid(method: static name => name == "archive/data/0" ? (ushort)8 : (ushort)0), "refers to storage '0', which is compressed");
        Refused(Valid(method: static name => name == "archive/data.pkl" ? (ushort)8 : (ushort)0), "has a compressed 'archive/data.pkl'");
        Refused(Valid(size: static (name, size) => name == "archive/data/0" ? 1u << 30 : (uint)size), "has a zip entry 'archive/data/0' that reaches beyond its end");
        Refused(Valid(size: static (name, size) => name == "archive/data/0" ? 100u : (uint)size), "has overlapping zip entries");
        Refused(Valid(offset: static (name, offset) => name == "archive/data/0" ? 0u : (uint)offset), "has overlapping zip entries");
        Refused(Valid(offset: static (name, offset) => name == "archive/data/0" ? (uint)offset + 1 : (uint)offset), "whose own header contradicts the directory");
        Refused(Valid(offset: static (name, offset) => name == "archive/data/0" ? 1u << 20 : (uint)offset), "that reaches beyond its end");
        Refused(Valid(localName: static name => name == "archive/data/0" ? "archive/data/1" : name), "whose own header contradicts the directory");
        Refused(Valid(flags: 1), "has an encrypted zip entry 'archive/data.pkl'");

        void Refused(TorchArchive archive, string expected)
        {
            archive.Write(path);
            Assert.Contains(expected, Assert.Throws<FileFormatException>(() => TorchReader.Open(path)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_file_is_refused_at_every_length_that_it_was_cut_to()
    {
        var whole = Valid().ToArray();
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Throws<FileFormatException>(() => TorchReader.Open(path));
        }
    }

    [Fact]
    public void A_pickle_is_refused_at_every_length_that_it_was_cut_to()
    {
        var whole = ValidPickle();
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.Contains("byte", Refusal(whole[..length]), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_mutated_file_is_either_refused_or_read_within_its_bounds()
    {
        var valid = Valid().ToArray();
        var refused = 0;
        for (var round = 0; round < 3000; round++)
        {
            var random = new CounterRandom(1, RandomPurpose.Subset, index: round);
            byte[] bytes = [.. valid];
            for (var i = random.NextInt(4); i >= 0; i--)
            {
                bytes[random.NextInt(bytes.Length)] = (byte)random.NextInt(256);
            }

            File.WriteAllBytes(path, bytes);
            try
            {
                using var reader = TorchReader.Open(path);
                foreach (var entry in reader.Entries)
                {
                    reader.Read(entry.Name, new float[entry.Shape.ElementCount]);
                }
            }
            catch (FileFormatException)
            {
                refused++;
            }
        }

        // Much of the archive is padding, and tensors may hold anything.
        Assert.InRange(refused, 500, 2999);
    }

    private static byte[] ValidPickle() => PickleScript.Of(new Dictionary<string, object?>
    {
        ["epoch"] = 3,
        ["lr"] = 0.5,
        ["seed"] = 1L << 40,
        ["ema"] = new Dictionary<string, object?>
        {
            ["w"] = new PickledTensor("FloatStorage", "0", 4, 0, [2, 2], [1, 2]),
            ["b"] = new PickledTensor("FloatStorage", "0", 4, 2, [2], [1]),
        },
    });

    private static TorchArchive Valid(
        Func<string, ushort>? method = null, Func<string, int, uint>? size = null, Func<string, long, uint>? offset = null, Func<string, string>? localName = null, ushort flags = 0x0808) =>
        new(ValidPickle(), ("0", new byte[16]))
        {
            Method = method ?? (static _ => 0),
            DeclaredSize = size ?? (static (_, length) => (uint)length),
            DeclaredOffset = offset ?? (static (_, start) => (uint)start),
            LocalName = localName ?? (static name => name),
            Flags = flags,
        };

    private string Refusal(byte[] pickle)
    {
        new TorchArchive(pickle, ("0", new byte[16])).Write(path);
        return Assert.Throws<FileFormatException>(() => TorchReader.Open(path)).Message;
    }
}
