using AutoProg.Ort.Data;

namespace AutoProg.Ort.Files;

/// <summary>Sets of images as the ADM evaluation suite reads them: <c>arr_0</c> of a <c>.npz</c> file, uint8 [N, H, W, 3].</summary>
public static class NpzImages
{
    /// <summary>Begins a file of images; write them in order, any number of bytes at a time, and complete it.</summary>
    /// <param name="path">Replaced if it exists, once the new one is complete.</param>
    /// <param name="count">Images, N.</param>
    /// <param name="height">Rows, H.</param>
    /// <param name="width">Columns, W.</param>
    /// <param name="compress">Whether they are deflated.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static NpzWriter Create(string path, int count, int height, int width, bool compress = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        var writer = NpzWriter.Create(path, compress);
        try
        {
            writer.Begin(NpzWriter.FirstArray, TensorType.U8, [count, height, width, 3]);
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Reads images one at a time; the file stays open meanwhile.</summary>
    /// <returns>Images in order; the caller disposes each.</returns>
    /// <exception cref="FileFormatException">The file is damaged or holds no such array.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IEnumerable<RgbImage> Read(string path)
    {
        using var file = NpzReader.Open(path);
        using var array = file.Read(NpzWriter.FirstArray);
        var shape = array.Shape;
        if (array.Type != TensorType.U8 || shape.Rank != 4 || shape[3] != 3 || shape[1] < 1 || shape[2] < 1 || (Int128)shape[1] * shape[2] > RgbImage.MaxPixels)
        {
            throw new FileFormatException(path, $"array '{array.Name}' is {array.Type.Spelling()}{shape}, expected images: U8[N, H, W, 3] of at most {RgbImage.MaxPixels} pixels");
        }

        for (var i = 0L; i < shape[0]; i++)
        {
            var image = RgbImage.Rent((int)shape[2], (int)shape[1]);
            try
            {
                array.Read(image.Pixels);
            }
            catch
            {
                image.Dispose();
                throw;
            }

            yield return image;
        }
    }
}
