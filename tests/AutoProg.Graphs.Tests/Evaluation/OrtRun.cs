using AutoProg.Graphs.Artifacts;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AutoProg.Graphs.Tests.Evaluation;

/// <summary>Runs graphs on ONNX Runtime's CPU provider: the kernels as they are, without graph optimisations.</summary>
internal static class OrtRun
{
    public static IReadOnlyDictionary<string, DoubleTensor> Run(
        Graph graph, IReadOnlyDictionary<string, DoubleTensor> feeds, GraphOptimizationLevel level = GraphOptimizationLevel.ORT_DISABLE_ALL) =>
        Run(OnnxWriter.Write(graph, "test"), graph.Inputs.Concat(graph.Parameters), feeds, level);

    public static IReadOnlyDictionary<string, DoubleTensor> Run(
        byte[] model, IEnumerable<Value> fed, IReadOnlyDictionary<string, DoubleTensor> feeds, GraphOptimizationLevel level = GraphOptimizationLevel.ORT_DISABLE_ALL)
    {
        using var options = new SessionOptions { GraphOptimizationLevel = level, IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        using var session = new InferenceSession(model, options);
        var inputs = fed
            .Where(v => session.InputMetadata.ContainsKey(v.Name))
            .Select(v => Feed(v, feeds[v.Name])).ToList();
        using var results = session.Run(inputs);
        return results.ToDictionary(r => r.Name, Read, StringComparer.Ordinal);
    }

    private static NamedOnnxValue Feed(Value value, DoubleTensor tensor)
    {
        var dims = Array.ConvertAll(value.Shape.ToArray(), d => (int)d);
        return value.Type switch
        {
            ElementType.Float => NamedOnnxValue.CreateFromTensor(value.Name, new DenseTensor<float>(Array.ConvertAll(tensor.Values, v => (float)v), dims)),
            ElementType.Int64 => NamedOnnxValue.CreateFromTensor(value.Name, new DenseTensor<long>(tensor.Longs(), dims)),
            ElementType.Bool => NamedOnnxValue.CreateFromTensor(value.Name, new DenseTensor<bool>(Array.ConvertAll(tensor.Values, v => v != 0), dims)),
            _ => throw new NotSupportedException($"{value.Type}"),
        };
    }

    private static DoubleTensor Read(DisposableNamedOnnxValue result) => result.ElementType switch
    {
        TensorElementType.Float => Read(result.AsTensor<float>(), v => v),
        TensorElementType.Int64 => Read(result.AsTensor<long>(), v => v),
        TensorElementType.Bool => Read(result.AsTensor<bool>(), v => v ? 1.0 : 0.0),
        _ => throw new NotSupportedException($"{result.ElementType}"),
    };

    private static DoubleTensor Read<T>(Tensor<T> tensor, Func<T, double> widen) =>
        new(Shape.Of([.. tensor.Dimensions.ToArray().Select(d => (long)d)]), [.. tensor.ToArray().Select(widen)]);
}
