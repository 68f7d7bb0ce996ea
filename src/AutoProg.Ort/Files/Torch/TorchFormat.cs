namespace AutoProg.Ort.Files.Torch;

/// <summary>Tells PyTorch's file formats apart by their first bytes.</summary>
internal static class TorchFormat
{
    // Where a tar file says that it is one.
    private const int TarMagicOffset = 257;

    /// <summary>Formats that <c>torch.save</c> has written.</summary>
    public enum Kind
    {
        /// <summary>None of them.</summary>
        Other,

        /// <summary>Since 1.6.</summary>
        Zip,

        /// <summary>Until 1.5, and with <c>_use_new_zipfile_serialization=False</c>: pickles in a row.</summary>
        BarePickle,

        /// <summary>Before 0.1.10.</summary>
        Tar,
    }

    /// <summary>The format of a file.</summary>
    public static Kind Of(TensorStream file)
    {
        var head = new byte[Math.Min(file.Length, TarMagicOffset + 5)];
        file.ReadBytes(0, head);
        return head.AsSpan().StartsWith("PK\u0003\u0004"u8) ? Kind.Zip

            // PROTO 2, LONG1 of ten bytes, the format's magic number 0x1950a86a20f9469cfc6c.
            : head.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]) ? Kind.BarePickle
            : head.Length > TarMagicOffset && head.AsSpan(TarMagicOffset).SequenceEqual("ustar"u8) ? Kind.Tar
            : Kind.Other;
    }

    /// <summary>Refuses what is not the zip format.</summary>
    /// <exception cref="FileFormatException">It is an older format, or none of PyTorch's.</exception>
    public static void RequireZip(TensorStream file)
    {
        switch (Of(file))
        {
            case Kind.Zip:
                return;
            case Kind.Other:
                throw new FileFormatException(file.Path, "is no file of torch.save: it does not begin as a zip file; it was cut short, or is of another format");
            default:
                throw new FileFormatException(
                    file.Path,
                    "is in the format that torch.save had before PyTorch 1.6, which is not read; convert it once where you trust it: torch.save(torch.load('old.pt', map_location='cpu'), 'new.pt'), or save it as safetensors");
        }
    }
}
