using AutoProg.Ort.Progressive;
using AutoProg.Ort.Training;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AutoProg.Cli;

/// <summary>What a run will do.</summary>
internal static class PlanTable
{
    /// <summary>Model, data and device, and the schedule.</summary>
    public static IRenderable Of(RunPlan plan) => new Rows(
        Tables.Facts(
            ("model", $"{plan.Model}, {plan.Complete.Resolution} px, {plan.Complete.Depth} blocks, {plan.Classes} classes, {plan.Parameters:N0} parameters ({plan.TrainableParameters:N0} trainable)"),
            ("data", $"{plan.TrainingImages} ({plan.TrainingCount:N0} images), evaluation {plan.EvaluationImages} ({plan.EvaluationCount:N0})"),
            ("steps", $"{plan.Steps:N0}, {plan.StepsPerEpoch:N0} per epoch of {plan.BatchSize} images"),
            ("device", $"{plan.Device}, {plan.Threads} threads"),
            ("policy", plan.Policy)),
        Schedule(plan));

    /// <summary>A row per stage.</summary>
    public static IRenderable Schedule(RunPlan plan)
    {
        var table = Tables.Create("#stage", "#epochs", "#resolution", "#depth", "#micro-\nbatch", "#predicted\nMiB", "network~");
        foreach (var stage in plan.Stages)
        {
            table.Row(
                $"{stage.Stage + 1}",
                stage.Epochs == 0 ? "none" : $"{stage.FirstEpoch}-{stage.FirstEpoch + stage.Epochs - 1}",
                Range(stage, static n => $"{n.Resolution}"),
                Range(stage, Text.Blocks),
                $"{stage.MicroBatch}",
                Text.Mebibytes(stage.PredictedPeakBytes),
                Network(stage));
        }

        return table.Titled("Schedule");
    }

    private static string Range(PlannedStage stage, Func<SubNetwork, string> size) =>
        size(stage.Smallest) == size(stage.Largest) ? size(stage.Largest) : $"{size(stage.Smallest)}-{size(stage.Largest)}";

    private static string Network(PlannedStage stage) =>
        stage.SearchEpochs == 0 && stage.Smallest == stage.Largest ? "fixed"
        : stage.Candidates.Count > 0 ? $"searched: {string.Join(", ", stage.Candidates)}"
        : "searched: depends on the stage before";
}
