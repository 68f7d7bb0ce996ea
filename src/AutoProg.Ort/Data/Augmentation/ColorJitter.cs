using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Augmentation;

/// <summary>Brightness, contrast and saturation in random order, each by a factor within [1 - strength, 1 + strength] (torchvision).</summary>
internal static class ColorJitter
{
    /// <summary>Jitters in place.</summary>
    public static void Apply(Canvas canvas, double strength, ref CounterRandom random)
    {
        foreach (var operation in random.Permutation(3))
        {
            var factor = random.Uniform(Math.Max(0, 1 - strength), 1 + strength);
            switch (operation)
            {
                case 0:
                    Enhancements.Brightness(canvas, factor);
                    break;
                case 1:
                    Enhancements.Contrast(canvas, factor);
                    break;
                default:
                    Enhancements.Color(canvas, factor);
                    break;
            }
        }
    }
}
