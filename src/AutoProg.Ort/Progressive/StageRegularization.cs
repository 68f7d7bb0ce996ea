using System.Globalization;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Progressive;

/// <summary>How strongly a stage regularises; small networks need less than the complete one.</summary>
/// <param name="Aa">RandAugment policy in timm's spelling; null is none.</param>
/// <param name="DropPath">Drop-path rate of the last block.</param>
/// <param name="Reprob">Probability of random erasing.</param>
/// <param name="CropScaleMin">Lower bound of the random resized crop's area, as a share of the image.</param>
/// <param name="CropScaleMax">Upper bound of it.</param>
internal sealed record StageRegularization(string? Aa, double DropPath, double Reprob, double CropScaleMin, double CropScaleMax)
{
    // timm's magnitude where the policy names none.
    private const int DefaultMagnitude = 10;

    /// <summary>The regularisation of every stage: each strength rises linearly from its start scale to the recipe's value.</summary>
    /// <param name="recipe">Final strengths and start scales.</param>
    /// <param name="stages">Number of stages K.</param>
    /// <remarks>
    /// RandAugment magnitudes are rounded to the even neighbour at halves (Python's <c>round</c>), and magnitude 0 means no policy. A negative start scale
    /// lets a regulariser set in late: rates below 0 are 0. The authors search with the final strengths; here a search has those of its stage.
    /// </remarks>
    /// <exception cref="ArgumentException">The magnitude of the policy is to grow but cannot be read, or a pair of crop bounds is no pair.</exception>
    public static IReadOnlyList<StageRegularization> Grow(Recipe recipe, int stages)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var (growth, augmentation) = (recipe.Growth, recipe.Augmentation);
        CheckPair("growth.resize_scale", growth.ResizeScale);
        CheckPair("augmentation.scale", augmentation.Scale);
        var magnitude = UniformLinearGrowth.Scales(growth.AaScale, stages);
        var dropPath = UniformLinearGrowth.Scales(growth.DpScale, stages);
        var erasing = UniformLinearGrowth.Scales(growth.ReScale, stages);
        var cropMin = UniformLinearGrowth.Scales(growth.ResizeScale[0], stages);
        var cropMax = UniformLinearGrowth.Scales(growth.ResizeScale[1], stages);
        return
        [
            .. Enumerable.Range(0, stages).Select(k => new StageRegularization(
                ScaleMagnitude(augmentation.Aa, growth.AaScale.Equals(1.0) ? 1 : magnitude[k]),
                Math.Max(0, recipe.Model.DropPath * dropPath[k]),
                Math.Max(0, augmentation.Reprob * erasing[k]),
                augmentation.Scale[0] * cropMin[k],
                augmentation.Scale[1] * cropMax[k]))
        ];
    }

    /// <summary>The strengths of the recipe itself: those of the last stage, and of training without growth.</summary>
    public static StageRegularization Final(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var augmentation = recipe.Augmentation;
        CheckPair("augmentation.scale", augmentation.Scale);
        return new(augmentation.Aa, recipe.Model.DropPath, augmentation.Reprob, augmentation.Scale[0], augmentation.Scale[1]);
    }

    private static void CheckPair(string key, IReadOnlyList<double> bounds)
    {
        if (bounds.Count != 2)
        {
            throw new ArgumentException($"{key} has {bounds.Count} entries; expected a lower and an upper bound.", nameof(bounds));
        }
    }

    private static string? ScaleMagnitude(string? policy, double scale)
    {
        if (string.IsNullOrEmpty(policy))
        {
            return null;
        }

        if (scale.Equals(1.0))
        {
            return policy;
        }

        var parts = policy.Split('-').ToList();
        if (parts[0] != "rand")
        {
            throw new ArgumentException(
                $"growth.aa_scale cannot scale '{policy}': only RandAugment policies such as 'rand-m9-mstd0.5-inc1' have a magnitude; set aa_scale to 1.", nameof(policy));
        }

        var index = parts.FindIndex(1, static part => part.Length > 1 && part[0] == 'm' && char.IsAsciiDigit(part[1]));
        var magnitude = DefaultMagnitude;
        if (index >= 0 && !int.TryParse(parts[index].AsSpan(1), NumberStyles.None, CultureInfo.InvariantCulture, out magnitude))
        {
            throw new ArgumentException($"The magnitude '{parts[index]}' in '{policy}' is not a whole number; write e.g. 'm9'.", nameof(policy));
        }

        var scaled = (int)Math.Round(magnitude * scale, MidpointRounding.ToEven);
        if (scaled <= 0)
        {
            return null;
        }

        if (index >= 0)
        {
            parts[index] = string.Create(CultureInfo.InvariantCulture, $"m{scaled}");
        }
        else
        {
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"m{scaled}"));
        }

        return string.Join('-', parts);
    }
}
