using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.Import;
using Google.Protobuf;
using AttributeType = AutoProg.Graphs.Artifacts.Protos.AttributeProto.Types.AttributeType;

namespace AutoProg.Graphs.Tests.Import;

/// <summary>Damaged files of another framework: each is read, or refused by the one exception that readers have to expect.</summary>
public sealed class HostileModelTests : IDisposable
{
    private static readonly long[] OddSizes = [0, 1, -1, 3, 7, 255, 1 << 20, 1L << 31, 1L << 40, long.MaxValue, long.MinValue];

    private readonly ModelFiles files = new();
    private readonly byte[] valid = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fixtures", "convnext.onnx"));

    [Fact]
    public void The_file_itself_is_read() => Assert.True(IsRead(valid));

    [Fact]
    public void Cut_files_are_refused()
    {
        var random = new Random(1);
        for (var i = 0; i < 100; i++)
        {
            Assert.False(IsRead(valid[..random.Next(valid.Length - 100)]));
        }
    }

    [Fact]
    public void Flipped_bytes_are_refused_or_read()
    {
        var random = new Random(2);
        var read = Enumerable.Range(0, 200).Count(_ =>
        {
            var bytes = valid.ToArray();
            for (var flips = random.Next(1, 9); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
            }

            return IsRead(bytes);
        });
        Assert.InRange(read, 1, 199);
    }

    [Fact]
    public void Changed_fields_are_refused_or_read()
    {
        var random = new Random(3);
        var read = Enumerable.Range(0, 400).Count(_ =>
        {
            var model = ModelProto.Parser.ParseFrom(valid);
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                Change(model.Graph, random);
            }

            return IsRead(model.ToByteArray());
        });
        Assert.InRange(read, 1, 399);
    }

    private bool IsRead(byte[] bytes)
    {
        File.WriteAllBytes(files.At("model.onnx"), bytes);
        try
        {
            OnnxImport.Build(OnnxModelFile.Open(files.At("model.onnx")), new OnnxImportOptions { IsParameter = static _ => true });
            return true;
        }
        catch (OnnxFormatException)
        {
            return false;
        }
    }

    private static void Change(GraphProto graph, Random random)
    {
        var (node, other) = (Any(graph.Node, random), Any(graph.Node, random));
        var tensor = Any(graph.Initializer, random);
        switch (random.Next(14))
        {
            case 0:
                node.OpType = other.OpType;
                break;
            case 1 when node.Input.Count > 0 && other.Output.Count > 0:
                node.Input[random.Next(node.Input.Count)] = other.Output[0];
                break;
            case 2 when node.Input.Count > 0:
                node.Input[random.Next(node.Input.Count)] = tensor.Name;
                break;
            case 3 when node.Input.Count > 0:
                node.Input.RemoveAt(random.Next(node.Input.Count));
                break;
            case 4:
                node.Input.Add(tensor.Name);
                break;
            case 5:
                graph.Node.Remove(node);
                break;
            case 6:
                node.Output.Add($"{node.Name}/more");
                break;
            case 7:
                node.Attribute.Clear();
                node.Attribute.Add(other.Attribute.Select(static a => a.Clone()));
                break;
            case 8 when node.Attribute.Count > 0:
                Change(Any(node.Attribute, random), random);
                break;
            case 9 when tensor.Dims.Count > 0:
                tensor.Dims[random.Next(tensor.Dims.Count)] = Any(OddSizes, random);
                break;
            case 10:
                tensor.DataType = random.Next(-1, 25);
                break;
            case 11:
                tensor.RawData = ByteString.CopyFrom(tensor.RawData.Span[..random.Next(tensor.RawData.Length + 1)]);
                break;
            case 12:
                var dims = graph.Input[0].Type.TensorType.Shape.Dim;
                dims[random.Next(dims.Count)].DimValue = Any(OddSizes, random);
                break;
            default:
                tensor.Dims.Add(Any(OddSizes, random));
                break;
        }
    }

    private static void Change(AttributeProto attribute, Random random)
    {
        switch (random.Next(4))
        {
            case 0:
                attribute.Type = (AttributeType)random.Next(15);
                break;
            case 1:
                attribute.I = Any(OddSizes, random);
                break;
            case 2:
                attribute.Ints.Add(Any(OddSizes, random));
                break;
            default:
                if (attribute.T is { } tensor)
                {
                    tensor.RawData = ByteString.CopyFrom(BitConverter.GetBytes(Any(OddSizes, random)));
                }
                else if (attribute.Ints.Count > 0)
                {
                    attribute.Ints[random.Next(attribute.Ints.Count)] = Any(OddSizes, random);
                }

                break;
        }
    }

    private static T Any<T>(IList<T> list, Random random) => list[random.Next(list.Count)];

    public void Dispose() => files.Dispose();
}
