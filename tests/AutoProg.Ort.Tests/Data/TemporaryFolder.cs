using SkiaSharp;

namespace AutoProg.Ort.Tests.Data;

/// <summary>A folder that disappears with the test, and ways to fill it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("autoprog-data-").FullName;

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    public string Write(string name, byte[] content)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    public string WriteImage(string name, int width, int height, SKEncodedImageFormat format = SKEncodedImageFormat.Png, Func<int, int, SKColor>? colour = null) =>
        Write(name, Encode(width, height, format, colour));

    public static byte[] Encode(int width, int height, SKEncodedImageFormat format, Func<int, int, SKColor>? colour = null)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                bitmap.SetPixel(x, y, colour?.Invoke(x, y) ?? new SKColor((byte)(x * 7), (byte)(y * 5), (byte)(x + y)));
            }
        }

        using var data = bitmap.Encode(format, 90);
        return data.ToArray();
    }
}
