using AutoProg.Ort.Data.Augmentation;

namespace AutoProg.Ort.Data.Loading;

/// <summary>What the batches of an epoch hold. All members are pure functions of their arguments and are called from several threads.</summary>
internal interface IBatchPlan
{
    /// <summary>Rows of a batch.</summary>
    int BatchSize { get; }

    /// <summary>Channels of a row: 3 for images.</summary>
    int Channels => 3;

    /// <summary>Whether rows have distributions of their tokens.</summary>
    bool HasTokenTargets => false;

    /// <summary>Number of classes.</summary>
    int Classes { get; }

    /// <summary>Batches of the whole epoch.</summary>
    int BatchCount { get; }

    /// <summary>Where to start in the epoch.</summary>
    int FirstBatch { get; }

    /// <summary>Pixels per side of a batch.</summary>
    int ResolutionOf(int batch);

    /// <summary>Images in a batch.</summary>
    int CountOf(int batch);

    /// <summary>Writes the pixels and the label of one row.</summary>
    void Fill(Batch batch, int row, Canvas canvas);

    /// <summary>Writes the targets when all rows are filled, and mixes.</summary>
    void Complete(Batch batch);
}
