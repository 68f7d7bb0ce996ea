using System.Globalization;
using System.Text.Json.Serialization;

namespace AutoProg.Ort.Training;

/// <summary>How far sampled images are from real ones, and what that was computed with.</summary>
/// <param name="Distance">Frechet distance between the features of both; smaller is better. FID only where the features are those of Inception v3.</param>
/// <param name="Samples">Sampled images.</param>
/// <param name="Reference">Real images.</param>
/// <param name="Features">Name of the feature model's file and its output.</param>
/// <param name="FeaturesSha256">SHA-256 of that file.</param>
/// <param name="Sampler">Sampler, steps and guidance.</param>
/// <param name="Weights">Weights that were sampled from.</param>
public sealed record FrechetResult(double Distance, int Samples, int Reference, string Features, string FeaturesSha256, string Sampler, string Weights)
{
    /// <summary>What it was computed with, in a line.</summary>
    [JsonIgnore]
    public string Basis => string.Create(CultureInfo.InvariantCulture, $"{Samples:N0} samples ({Sampler}, {Weights}) against {Reference:N0} images, features {Features} ({FeaturesSha256[..8]})");
}
