using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Files;
using AutoProg.Ort.Monitoring;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>Where samples are written to.</summary>
public sealed record SampleFileOptions
{
    /// <summary>The PNG file of all samples in rows.</summary>
    public required string Grid { get; init; }

    /// <summary>Samples beside each other; null takes the number of classes.</summary>
    public int? Columns { get; init; }

    /// <summary>A <c>.npz</c> file with all samples, uint8 [N, H, W, 3]; null writes none.</summary>
    public string? Npz { get; init; }

    /// <summary>Is told how far sampling has come.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>Samples that were written.</summary>
/// <param name="Count">Samples.</param>
/// <param name="Resolution">Pixels per side.</param>
/// <param name="Sampler">How they were drawn.</param>
/// <param name="Weights">Weights that they were drawn from.</param>
/// <param name="Grid">The PNG file.</param>
/// <param name="InGrid">Samples in it: the first ones, at most <see cref="SampleFiles.MostInGrid"/>.</param>
/// <param name="Npz">The file of all samples, or null.</param>
public sealed record WrittenSamples(int Count, int Resolution, string Sampler, string Weights, string Grid, int InGrid, string? Npz);

/// <summary>Samples as files.</summary>
public static class SampleFiles
{
    /// <summary>More samples than this are no picture.</summary>
    public const int MostInGrid = 1024;

    /// <summary>Draws samples and writes them while they come.</summary>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <inheritdoc cref="ModelSampling.Draw" path="/exception"/>
    public static WrittenSamples Write(TrainedModel model, SampleOptions options, SampleFileOptions files, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(files);
        var (shown, side) = (new List<float>(), 0);
        NpzWriter? npz = null;
        using var closing = new Closing(() => npz?.Dispose());
        foreach (var batch in ModelSampling.Draw(model, options, labels: null, progress: null, cancellationToken))
        {
            var size = batch.Samples.Length / batch.Labels.Count;
            var rgb = new byte[size];
            side = ModelSampling.SideOf(size);
            npz ??= files.Npz is { } path ? NpzImages.Create(path, options.Count, side, side) : null;
            for (var i = 0; i < batch.Labels.Count; i++)
            {
                var sample = batch.Samples.AsSpan(i * size, size);
                if (batch.First + i < MostInGrid)
                {
                    shown.AddRange(sample);
                }

                if (npz is not null)
                {
                    SampleImages.ToRgb(sample, rgb);
                    npz.Write<byte>(rgb);
                }
            }

            files.Logger.SamplesDrawn(batch.First + batch.Labels.Count, options.Count);
        }

        npz?.Complete();
        var grid = Path.GetFullPath(files.Grid);
        Directory.CreateDirectory(Path.GetDirectoryName(grid)!);
        using (var image = SampleImages.Grid(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(shown), side, side, files.Columns ?? ModelSampling.ClassesOf(model)))
        {
            SampleImages.WritePng(grid, image);
        }

        return new WrittenSamples(
            options.Count, side, ModelSampling.Describe(model, options), model.Resolve(options.Weights, allowAll: false)[0], grid, Math.Min(options.Count, MostInGrid),
            files.Npz is null ? null : Path.GetFullPath(files.Npz));
    }

    /// <summary>What is opened on the way is closed at the end.</summary>
    private sealed class Closing(Action close) : IDisposable
    {
        public void Dispose() => close();
    }
}
