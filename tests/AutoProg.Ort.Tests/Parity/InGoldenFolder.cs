using System.Runtime.InteropServices;
using System.Text;
using AutoProg.Ort.Files;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Parity;

/// <summary>Tests that change a copy of a golden folder.</summary>
public abstract class InGoldenFolder : InTemporaryFolder
{
    protected delegate void Edit(Span<float> elements);

    protected static string Golden(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", name);

    protected void Copy(string fixture)
    {
        foreach (var file in Directory.EnumerateFiles(Golden(fixture)))
        {
            File.Copy(file, At(Path.GetFileName(file)));
        }
    }

    protected void Change(string file, string tensor, Edit edit)
    {
        SafetensorsEntry entry;
        using (var reader = SafetensorsReader.Open(At(file)))
        {
            entry = reader[tensor];
        }

        var bytes = File.ReadAllBytes(At(file));
        edit(MemoryMarshal.Cast<byte, float>(bytes.AsSpan((int)entry.Offset, (int)entry.ByteLength)));
        File.WriteAllBytes(At(file), bytes);
    }

    /// <summary>Replaces the first occurrence of a text.</summary>
    protected void Replace(string file, string text, string changed)
    {
        var bytes = File.ReadAllBytes(At(file));
        var at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text));
        Assert.True(at >= 0);
        File.WriteAllBytes(At(file), [.. bytes.AsSpan(0, at), .. Encoding.UTF8.GetBytes(changed), .. bytes.AsSpan(at + Encoding.UTF8.GetByteCount(text))]);
    }
}
