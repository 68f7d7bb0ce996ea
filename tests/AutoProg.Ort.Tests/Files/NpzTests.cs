using System.IO.Compression;
using System.Text;
using AutoProg.Graphs;
using AutoProg.Ort.Data;
using AutoProg.Ort.Files;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Files;

public sealed class NpzTests : InTemporaryFolder
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Arrays_can_be_read_back_piece_by_piece(bool compress)
    {
        double[] doubles = [1.5, -2, double.MaxValue, 1e-300, 0, 6];
        using (var writer = NpzWriter.Create(At("a.npz"), compress))
        {
            writer.Begin("mu", TensorType.F64, [2, 3]);
            writer.Write<double>(doubles.AsSpan(0, 2));
            writer.Write<double>(doubles.AsSpan(2));
            writer.Begin("half", TensorType.F32, Shape.Scalar);
            writer.Write<float>([0.5f]);
            writer.Begin("none", TensorType.I64, [0]);
            Assert.False(File.Exists(At("a.npz")));
            writer.Complete();
        }

        using var reader = NpzReader.Open(At("a.npz"));
        Assert.Equal(["mu", "half", "none"], reader.Names);
        using var mu = reader.Read("mu");
        Assert.Equal(("mu", TensorType.F64, [2, 3]), (mu.Name, mu.Type, mu.Shape));
        var read = new double[6];
        mu.Read(read.AsSpan(0, 4));
        mu.Read(read.AsSpan(4));
        Assert.Equal(doubles, read);
        using var half = reader.Read("half");
        half.Read(read.AsSpan(0, 1));
        Assert.Equal((0.5, Shape.Scalar), (read[0], half.Shape));
        using var none = reader.Read("none");
        Assert.Equal([0], none.Shape);
        Assert.Equal(["a.npz"], Directory.EnumerateFiles(Folder).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(new long[] { 3, 4 }, "(3, 4)")]
    [InlineData(new long[] { 5 }, "(5,)")]
    [InlineData(new long[0], "()")]
    public void Headers_are_spelled_as_NumPy_spells_them(long[] shape, string spelling)
    {
        using (var writer = NpzWriter.Create(At("a.npz")))
        {
            writer.Begin("x", TensorType.F32, Shape.Of(shape));
            writer.Write<float>(new float[Shape.Of(shape).ElementCount]);
            writer.Complete();
        }

        using var zip = ZipFile.OpenRead(At("a.npz"));
        var entry = Assert.Single(zip.Entries);
        Assert.Equal(("x.npy", 1980, entry.Length), (entry.FullName, entry.LastWriteTime.Year, entry.CompressedLength));
        using var stream = entry.Open();
        var header = new byte[128];
        stream.ReadExactly(header);
        var expected = Encoding.Latin1.GetBytes($"\u0093NUMPY\u0001\u0000\u0076\u0000{{'descr': '<f4', 'fortran_order': False, 'shape': {spelling}, }}".PadRight(127) + "\n");
        Assert.Equal(expected, header);
        Assert.Equal(128 + (4 * Shape.Of(shape).ElementCount), entry.Length);
    }

    [Fact]
    public void Equal_content_gives_equal_bytes()
    {
        Write("a.npz");
        Write("b.npz");
        Assert.Equal(File.ReadAllBytes(At("a.npz")), File.ReadAllBytes(At("b.npz")));

        void Write(string name)
        {
            using var writer = NpzWriter.Create(At(name), compress: true);
            writer.Begin("x", TensorType.U8, [4]);
            writer.Write<byte>([1, 2, 3, 4]);
            writer.Complete();
        }
    }

    [Fact]
    public void Images_go_through_a_file_one_at_a_time()
    {
        using (var writer = NpzImages.Create(At("images.npz"), count: 3, height: 2, width: 5))
        {
            for (byte i = 0; i < 3; i++)
            {
                writer.Write<byte>(Enumerable.Repeat(i, 30).ToArray());
            }

            writer.Complete();
        }

        var seen = 0;
        foreach (var image in NpzImages.Read(At("images.npz")))
        {
            Assert.Equal((5, 2), (image.Width, image.Height));
            Assert.All(image.Pixels.ToArray(), b => Assert.Equal(seen, b));
            seen++;
            image.Dispose();
        }

        Assert.Equal(3, seen);
    }

    [Fact]
    public void A_file_that_is_given_up_leaves_nothing_and_replaces_nothing()
    {
        File.WriteAllText(At("a.npz"), "old");
        using (var writer = NpzWriter.Create(At("a.npz")))
        {
            writer.Begin("x", TensorType.U8, [4]);
            writer.Write<byte>([1]);
            Assert.StartsWith($"{At("a.npz")}: 3 bytes of array 'x' (U8[4]) were not written.", Assert.Throws<InvalidOperationException>(writer.Complete).Message, StringComparison.Ordinal);
            Assert.Contains("3 bytes of array 'x'", Assert.Throws<InvalidOperationException>(() => writer.Begin("y", TensorType.U8, [1])).Message, StringComparison.Ordinal);
        }

        Assert.Equal("old", File.ReadAllText(Assert.Single(Directory.EnumerateFiles(Folder))));
    }

    [Fact]
    public void What_does_not_fit_an_array_is_not_written()
    {
        using var writer = NpzWriter.Create(At("a.npz"));
        Assert.Contains("no array was begun", Assert.Throws<InvalidOperationException>(() => writer.Write<byte>([1])).Message, StringComparison.Ordinal);
        writer.Begin("x", TensorType.F32, [2]);
        Assert.Contains("Array 'x' of", Assert.Throws<ArgumentException>(() => writer.Write<float>([1, 2, 3])).Message, StringComparison.Ordinal);
        Assert.Contains("is F32[2], with 8 bytes to come; got 1 elements of 8 bytes.", Assert.Throws<ArgumentException>(() => writer.Write<double>([1])).Message, StringComparison.Ordinal);
        writer.Write<float>([1, 2]);
        Assert.Contains("the name is taken already", Assert.Throws<ArgumentException>(() => writer.Begin("x", TensorType.F32, [2])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => writer.Begin("../x", TensorType.F32, [2]));
        Assert.StartsWith("NumPy has no element type BF16; store F32 instead.", Assert.Throws<ArgumentException>(() => writer.Begin("z", TensorType.BF16, [2])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, "its elements are '|O'; known are |b1, |u1")]
    [InlineData("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4, "its elements are '>f4'")]
    [InlineData("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, "its header is not")]
    [InlineData("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", 4, "it is stored column by column; save it as a C-contiguous array")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 4, "it has 4 bytes of elements, but F32[2] needs 8")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, "its header is not")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999999, 999999999999999999), }", 4, "it is larger than any file")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999999, 999999999999999999, 0), }", 0, "it is larger than any file")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", 4, "it has 4 bytes of elements, but F32[1000000000000] needs 4000000000000")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1), }", 4, "it has 33 dimensions, more than 32")]
    [InlineData("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': __import__('os').system('true'), }", 4, "its header is not")]
    public void Headers_are_matched_and_never_evaluated(string header, int bytes, string finding) => Assert.Contains($"array 'x': {finding}", Refused(Npy(header, bytes)), StringComparison.Ordinal);

    [Fact]
    public void Damaged_arrays_are_refused_by_name()
    {
        const string Header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
        Assert.Contains("array 'x': it does not begin as a .npy array", Refused(new byte[200]), StringComparison.Ordinal);
        Assert.Contains("array 'x': it is cut short", Refused(Npy(Header, 4)[..40]), StringComparison.Ordinal);
        var later = Npy(Header, 4);
        later[6] = 2;
        Assert.Contains("array 'x': it is of version 2.0, expected 1.0", Refused(later), StringComparison.Ordinal);
    }

    [Fact]
    public void A_flipped_bit_is_noticed_at_the_end()
    {
        using (var writer = NpzWriter.Create(At("x.npz")))
        {
            writer.Begin("x", TensorType.U8, [4]);
            writer.Write<byte>("abcd"u8);
            writer.Complete();
        }

        var file = File.ReadAllBytes(At("x.npz"));
        file[file.AsSpan().IndexOf("abcd"u8)] ^= 1;
        File.WriteAllBytes(At("x.npz"), file);
        using var reader = NpzReader.Open(At("x.npz"));
        using var array = reader.Read("x");
        array.Read(new byte[3]);
        Assert.Contains("array 'x': its checksum is wrong", Assert.Throws<FileFormatException>(() => array.Read(new byte[1])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_zip_of_arrays_is_refused()
    {
        File.WriteAllText(At("text.npz"), "no zip file");
        Assert.StartsWith($"{At("text.npz")}: is no .npz file", Assert.Throws<FileFormatException>(() => NpzReader.Open(At("text.npz"))).Message, StringComparison.Ordinal);
        Zip("other.npz", ("readme.txt", [1]));
        Assert.EndsWith("holds 'readme.txt', expected nothing but arrays (.npy)", Assert.Throws<FileFormatException>(() => NpzReader.Open(At("other.npz"))).Message, StringComparison.Ordinal);
        Zip("twice.npz", ("x.npy", [1]), ("x.npy", [2]));
        Assert.EndsWith("array 'x' appears twice", Assert.Throws<FileFormatException>(() => NpzReader.Open(At("twice.npz"))).Message, StringComparison.Ordinal);
        Zip("one.npz", ("x.npy", Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4)));
        using var one = NpzReader.Open(At("one.npz"));
        Assert.EndsWith("holds no array 'arr_0'; it holds x", Assert.Throws<FileFormatException>(() => one.Read("arr_0")).Message, StringComparison.Ordinal);
        Assert.EndsWith("holds no array 'arr_0'; it holds x", Assert.Throws<FileFormatException>(() => NpzImages.Read(At("one.npz")).First()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_directory_without_end_is_not_read_to_its_end()
    {
        Zip("many.npz", [.. Enumerable.Range(0, 12_000).Select(static i => ($"{i}{new string('x', 80)}.npy", Array.Empty<byte>()))]);
        Assert.Contains("its directory is longer than 1048576 bytes", Assert.Throws<FileFormatException>(() => NpzReader.Open(At("many.npz"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_arrays_are_no_images_and_too_large_ones_are_none_either()
    {
        Zip("a.npz", ("arr_0.npy", Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4)));
        Assert.Contains("array 'arr_0' is F32[1], expected images: U8[N, H, W, 3]", Assert.Throws<FileFormatException>(() => NpzImages.Read(At("a.npz")).First()).Message, StringComparison.Ordinal);
        Zip("b.npz", ("arr_0.npy", Npy("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 1000000, 1000000, 3), }", 0)));
        Assert.Contains($"of at most {RgbImage.MaxPixels} pixels", Assert.Throws<FileFormatException>(() => NpzImages.Read(At("b.npz")).FirstOrDefault()).Message, StringComparison.Ordinal);
    }

    private string Refused(byte[] npy)
    {
        Zip("x.npz", ("x.npy", npy));
        using var reader = NpzReader.Open(At("x.npz"));
        return Assert.Throws<FileFormatException>(() => reader.Read("x")).Message;
    }

    private void Zip(string name, params (string Name, byte[] Content)[] entries)
    {
        using var zip = new ZipArchive(File.Create(At(name)), ZipArchiveMode.Create);
        foreach (var entry in entries)
        {
            using var stream = zip.CreateEntry(entry.Name, CompressionLevel.Fastest).Open();
            stream.Write(entry.Content);
        }
    }

    private static byte[] Npy(string header, int bytes) =>
        [0x93, .. "NUMPY"u8, 1, 0, (byte)(header.Length + 1), (byte)((header.Length + 1) >> 8), .. Encoding.Latin1.GetBytes(header), (byte)'\n', .. new byte[bytes]];
}
