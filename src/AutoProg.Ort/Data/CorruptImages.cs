using System.Globalization;
using AutoProg.Ort.Monitoring;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Data;

/// <summary>
/// Reads images of one data set and steps over the ones that cannot be decoded: each is named in the log once and replaced by the next one,
/// until there are too many. Thread-safe; one per data set and run.
/// </summary>
internal sealed class CorruptImages
{
    private const int NamesInMessage = 5;

    private readonly IImageDataset dataset;
    private readonly double maxFraction;
    private readonly ILogger logger;
    private readonly Lock gate = new();
    private readonly HashSet<int> indices = [];
    private readonly List<string> firstNames = [];

    /// <summary>Starts with no corrupt image known.</summary>
    /// <param name="dataset">To read from.</param>
    /// <param name="maxFraction">Share of the data set's images that may be corrupt, 0 to 1.</param>
    /// <param name="logger">Receives one warning per corrupt image.</param>
    public CorruptImages(IImageDataset dataset, double maxFraction, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(logger);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxFraction, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxFraction, 1);
        this.dataset = dataset;
        this.maxFraction = maxFraction;
        this.logger = logger;
    }

    /// <summary>Different corrupt images found so far.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return indices.Count;
            }
        }
    }

    /// <summary>Loads an image, or the next readable one (the last is followed by the first).</summary>
    /// <param name="index">Wanted image.</param>
    /// <param name="minimumSide">As in <see cref="IImageDataset.Load"/>.</param>
    /// <param name="label">Class of the image that was loaded.</param>
    /// <exception cref="DataException">More images are corrupt than allowed, none is readable, or the label is out of range.</exception>
    internal RgbImage Load(int index, int minimumSide, out int label) => Load(index, minimumSide, out label, out _);

    /// <param name="index">Wanted image.</param>
    /// <param name="minimumSide">As in <see cref="IImageDataset.Load"/>.</param>
    /// <param name="label">Class of the image that was loaded.</param>
    /// <param name="loaded">Which image that was.</param>
    /// <inheritdoc cref="Load(int, int, out int)" path="/summary|/exception"/>
    internal RgbImage Load(int index, int minimumSide, out int label, out int loaded)
    {
        for (var step = 0; step < dataset.Count; step++)
        {
            var current = (int)(((long)index + step) % dataset.Count);
            if (IsKnown(current))
            {
                continue;
            }

            try
            {
                (label, loaded) = (LabelOf(current), current);
                return dataset.Load(current, minimumSide);
            }
            catch (ImageUnreadableException unreadable)
            {
                Add(current, unreadable);
            }
        }

        throw new DataException($"No image of '{dataset.Name}' is readable; the first ones are {string.Join(", ", firstNames)}.");
    }

    private int LabelOf(int index)
    {
        var label = dataset.LabelOf(index);
        return label >= 0 && label < dataset.ClassNames.Count
            ? label
            : throw new DataException($"'{dataset.Describe(index)}' of '{dataset.Name}' has label {label}; expected 0 to {dataset.ClassNames.Count - 1}.");
    }

    private bool IsKnown(int index)
    {
        lock (gate)
        {
            return indices.Count > 0 && indices.Contains(index);
        }
    }

    private void Add(int index, ImageUnreadableException reason)
    {
        var name = dataset.Describe(index);
        lock (gate)
        {
            if (!indices.Add(index))
            {
                return;
            }

            if (firstNames.Count < NamesInMessage)
            {
                firstNames.Add(name);
            }

            logger.ImageUnreadable(name, reason.Message);
            if (indices.Count > maxFraction * dataset.Count)
            {
                throw new DataException(
                    string.Create(CultureInfo.InvariantCulture, $"{indices.Count} of the {dataset.Count} images of '{dataset.Name}' are unreadable, more than data.max_corrupt_fraction = {maxFraction} allows: ")
                    + $"{string.Join(", ", firstNames)}{(indices.Count > firstNames.Count ? ", ..." : "")}. Repair or remove them.",
                    reason);
            }
        }
    }
}
