using AutoProg.Ort.Data;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Recipes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Tests.Training;

/// <summary>An exported file as a stranger would evaluate it: the file alone, in plain ONNX Runtime.</summary>
internal static class StrangersEvaluation
{
    /// <summary>The score on the recipe's images for evaluation. The last batch may be smaller than the others, and runs in the same session.</summary>
    public static ClassificationScore Of(string file, Recipe recipe, int resolution)
    {
        using var session = new InferenceSession(file);
        var source = new ImageSource(ImageDatasets.Open(recipe.Data, recipe.Seed).Val, recipe.Data, NullLogger.Instance);
        var score = new ClassificationScore();
        using var batches = source.EvaluationBatches(recipe.Training.EvalBatchSize, resolution, recipe.Augmentation.CropPct);
        using var runOptions = new RunOptions();
        while (batches.TryNext(out var batch))
        {
            using var input = OrtValue.CreateTensorValueFromMemory(batch.Images[..(batch.Count * 3 * resolution * resolution)].ToArray(), [batch.Count, 3, resolution, resolution]);
            using var outputs = session.Run(runOptions, session.InputNames, [input], [session.OutputNames[0]]);
            score.Add(outputs[0].GetTensorDataAsSpan<float>(), batch.Labels.Span[..batch.Count], 10);
        }

        return score;
    }
}
