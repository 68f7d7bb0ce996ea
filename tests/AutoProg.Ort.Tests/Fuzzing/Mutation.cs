using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace AutoProg.Ort.Tests.Fuzzing;

/// <summary>Damages files: as disks and networks do, and as somebody does who knows where sizes stand.</summary>
internal static partial class Mutation
{
    private static readonly long[] OddNumbers = [0, 1, -1, 2, 127, 255, 256, 65_535, 1 << 20, int.MaxValue, int.MinValue, 1L << 32, 1L << 40, long.MaxValue, long.MinValue];
    private static readonly string[] OddTexts = ["0", "-1", "1e309", "1e-320", "NaN", ".inf", "99999999999", "null", "[]", "{}", "''", "true", "*a", "&a 1", "!!binary x", "../../x", "1:2:3", "0x7fffffffffffffff", "\"\\u0000\"", "~", "1_000"];

    /// <summary>One to four changes of a binary file.</summary>
    public static byte[] Of(byte[] valid, Random random)
    {
        var bytes = new List<byte>(valid);
        for (var changes = random.Next(1, 5); changes > 0 && bytes.Count > 0; changes--)
        {
            Change(bytes, random);
        }

        return [.. bytes];
    }

    /// <summary>One or two changes of a text: of a value or key in it, of a line, or of a byte.</summary>
    public static byte[] OfText(byte[] valid, Random random)
    {
        var text = Encoding.UTF8.GetString(valid);
        for (var changes = random.Next(1, 3); changes > 0; changes--)
        {
            text = random.Next(4) == 0 ? ChangeLine(text, random) : ChangeValue(text, random);
        }

        return random.Next(8) == 0 ? Of(Encoding.UTF8.GetBytes(text), random) : Encoding.UTF8.GetBytes(text);
    }

    private static void Change(List<byte> bytes, Random random)
    {
        // Headers are small and at the ends; half of the changes hit the first or the last 256 bytes.
        var at = random.Next(4) switch
        {
            0 => random.Next(Math.Min(256, bytes.Count)),
            1 => bytes.Count - 1 - random.Next(Math.Min(256, bytes.Count)),
            _ => random.Next(bytes.Count),
        };
        var length = Math.Min(random.Next(1, 65), bytes.Count - at);
        switch (random.Next(8))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 3:
                bytes.RemoveRange(at, length);
                break;
            case 4:
                bytes.InsertRange(at, bytes.GetRange(random.Next(bytes.Count - length + 1), length));
                break;
            case 5:
                var noise = new byte[length];
                random.NextBytes(noise);
                bytes.InsertRange(at, noise);
                break;
            default:
                Number(bytes, at, random);
                break;
        }
    }

    private static void Number(List<byte> bytes, int at, Random random)
    {
        Span<byte> number = stackalloc byte[8];
        var value = OddNumbers[random.Next(OddNumbers.Length)];
        if (random.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, value);
        }
        else
        {
            BinaryPrimitives.WriteInt64BigEndian(number, value);
        }

        var width = 1 << random.Next(1, 4);
        var digits = random.Next(2) == 0 ? number[..width] : number[^width..];
        for (var i = 0; i < width && at + i < bytes.Count; i++)
        {
            bytes[at + i] = digits[i];
        }
    }

    private static string ChangeValue(string text, Random random)
    {
        var words = (random.Next(4) == 0 ? Word() : Value()).Matches(text);
        if (words.Count == 0)
        {
            return text;
        }

        var word = words[random.Next(words.Count)];
        var other = random.Next(3) switch
        {
            0 => words[random.Next(words.Count)].Value,
            1 => OddNumbers[random.Next(OddNumbers.Length)].ToString(CultureInfo.InvariantCulture),
            _ => OddTexts[random.Next(OddTexts.Length)],
        };
        return string.Concat(text.AsSpan(0, word.Index), other, text.AsSpan(word.Index + word.Length));
    }

    private static string ChangeLine(string text, Random random)
    {
        var lines = text.Split('\n').ToList();
        var at = random.Next(lines.Count);
        switch (random.Next(4))
        {
            case 0:
                lines.RemoveAt(at);
                break;
            case 1:
                lines.Insert(at, lines[random.Next(lines.Count)]);
                break;
            case 2:
                lines[at] = "  " + lines[at];
                break;
            default:
                lines[at] = new string("[{-"[random.Next(3)], random.Next(1, 2000)) + lines[at];
                break;
        }

        return string.Join('\n', lines);
    }

    [GeneratedRegex(@"[A-Za-z0-9_.+-]+", RegexOptions.None, 1000)]
    private static partial Regex Word();

    [GeneratedRegex(@"(?<=[:\[,] ?)[A-Za-z0-9_.+-]+", RegexOptions.None, 1000)]
    private static partial Regex Value();
}
