using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Training;

/// <summary>The proxies of a zero-shot search, measured on the weights that the candidates inherit (sec. 4.2).</summary>
internal sealed class ProxySearch(Recipe recipe, RunComponents parts, ImageSource images)
{
    public IReadOnlyList<(double Kappa, double ZiCo)> Measure(IReadOnlyList<ActiveNetwork> candidates, AugmentationRecipe augmentation, int stage, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"{recipe.Name} {parts.State} {images.Dataset} {candidates} {augmentation} {stage} {cancellationToken.CanBeCanceled}");
}
