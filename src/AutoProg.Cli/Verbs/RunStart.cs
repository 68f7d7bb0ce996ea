using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using Microsoft.Extensions.Logging;

namespace AutoProg.Cli;

/// <summary>Where a training begins: with a recipe, or with a run that goes on.</summary>
/// <param name="RecipeFile">The recipe, or the run's.</param>
/// <param name="Run">Folder of the run that goes on; null for a new run.</param>
/// <param name="IsLeftover">Whether a folder of the new run's name is there that never came to a checkpoint.</param>
internal sealed record RunStart(string RecipeFile, string? Run, bool IsLeftover = false)
{
    /// <summary>Finds out.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no run to go on with.</exception>
    /// <exception cref="FileNotFoundException">The run has no checkpoint.</exception>
    public static RunStart Find(TrainVerb verb, ILogger log)
    {
        if (verb.AutoResume)
        {
            var folder = Path.Combine(verb.Output, verb.Experiment!);
            var isRun = File.Exists(Path.Combine(folder, "recipe.yaml"));
            return isRun && HasCheckpoint(folder, log) ? Continue(folder, verb.Recipe) : new RunStart(verb.Recipe!, null, isRun);
        }

        if (verb.Resume is null)
        {
            return new RunStart(verb.Recipe!, null);
        }

        var run = verb.Resume == TrainVerb.Latest ? RunDirectory.Newest(verb.Output) : verb.Resume;
        return Continue(run, verb.Recipe);
    }

    /// <summary>A run keeps its own recipe; one that is given beside it must at least be of the same name.</summary>
    private static RunStart Continue(string folder, string? recipeFile)
    {
        using var run = RunDirectory.Open(folder);
        if (recipeFile is not null)
        {
            var (asked, found) = (RecipeReader.Read(recipeFile).Name, run.ReadRecipe().Name);
            if (asked != found)
            {
                throw new DirectoryNotFoundException($"{folder}: is a run of '{found}', not of '{asked}' ({recipeFile}). Name the run: --resume <run>.");
            }
        }

        return new RunStart(run.RecipeFile, run.Path);
    }

    private static bool HasCheckpoint(string folder, ILogger log)
    {
        using var run = RunDirectory.Open(folder);
        return run.Checkpoints(keep: 1, log).TryOpenLatest() is not null;
    }
}
