using Microsoft.Win32.SafeHandles;

namespace AutoProg.Graphs.Import;

/// <summary>Parts of files.</summary>
internal static class FileBytes
{
    /// <summary>Reads a part.</summary>
    /// <exception cref="EndOfStreamException">The file ends before it.</exception>
    public static byte[] Read(SafeFileHandle file, long start, long count)
    {
        var bytes = new byte[count];
        for (var read = 0; read < bytes.Length;)
        {
            var more = RandomAccess.Read(file, bytes.AsSpan(read), start + read);
            read += more > 0 ? more : throw new EndOfStreamException("it ended while it was read.");
        }

        return bytes;
    }
}
