using AutoProg.Ort.Charts;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>What a complete run leaves in its folder besides its records: the exported model and a picture.</summary>
internal static class RunProducts
{
    public static void Leave(Recipe recipe, RunComponents parts, IReadOnlyList<string> classNames, RunDirectory? folder, ILogger log)
    {
        if (folder is null)
        {
            return;
        }

        // The export loads a session of its own.
        parts.Step.Unbind();
        parts.Sessions.ReleaseExcept([]);
        using var model = TrainedModel.Of(recipe, parts, classNames, folder.Path);
        ModelExport.AfterTraining(model, log);
        try
        {
            GrowthChart.Write(folder.Path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            log.PictureNotDrawn(error.Message);
        }
    }
}
