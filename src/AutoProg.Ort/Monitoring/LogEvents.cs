using AutoProg.Ort.Progressive;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Monitoring;

/// <summary>
/// Everything that the engine logs. An id means the same event for ever: new events take the next number of their hundred, and a number that is no longer used is not used again.
/// docs/monitoring.md lists them; it is generated from here.
/// </summary>
internal static partial class LogEvents
{
    // 1000: a run as a whole.
    [LoggerMessage(1000, LogLevel.Information, "Model: {Model}, {Parameters:N0} parameters, {Resolution} px, {Depth} blocks, {Classes} classes.")]
    public static partial void ModelBuilt(this ILogger log, string model, long parameters, int resolution, int depth, int classes);

    [LoggerMessage(1001, LogLevel.Information, "Data: {Train} ({TrainCount:N0} images), evaluation {Val} ({ValCount:N0}); batch {Batch}, {Steps} steps per epoch.")]
    public static partial void DataOpened(this ILogger log, string train, int trainCount, string val, int valCount, int batch, int steps);

    [LoggerMessage(1002, LogLevel.Information, "Device: {Device} ({Provider}), {Threads} threads, float32.")]
    public static partial void DeviceOpened(this ILogger log, string device, string provider, int threads);

    [LoggerMessage(1003, LogLevel.Information, "Schedule: stage {Stage}, epochs {First}-{Last}, {Network}.")]
    public static partial void StageScheduled(this ILogger log, int stage, int first, int last, string network);

    [LoggerMessage(1004, LogLevel.Information, "Resumed after step {Step}, epoch {Epoch}, batch {Batch}.")]
    public static partial void RunResumed(this ILogger log, long step, int epoch, int batch);

    [LoggerMessage(1005, LogLevel.Warning, "The images are not those that the run began with (fingerprints of {Training} and {Evaluation}); its figures belong to both.")]
    public static partial void ImagesChanged(this ILogger log, string training, string evaluation);

    [LoggerMessage(1006, LogLevel.Information, "Frechet distance {Distance:F3}: {Basis}.")]
    public static partial void FrechetDistanceMeasured(this ILogger log, double distance, string basis);

    [LoggerMessage(1007, LogLevel.Information, "Done: best {Best} in epoch {BestEpoch}; runtime {Runtime:F1} s (train {Train:F1}, search {Search:F1}, bookkeeping {Bookkeeping:F1}), evaluation {Evaluation:F1} s, waiting for data {Wait:F1} s.")]
    public static partial void RunFinished(this ILogger log, string best, int bestEpoch, double runtime, double train, double search, double bookkeeping, double evaluation, double wait);

    [LoggerMessage(1008, LogLevel.Error, "{Problem}")]
    public static partial void RunFailed(this ILogger log, string problem);

    [LoggerMessage(1009, LogLevel.Information, "{Recipe} is trained first, into {Folder}.")]
    public static partial void PrerequisiteTrained(this ILogger log, string recipe, string folder);

    [LoggerMessage(1010, LogLevel.Information, "Initial weights from {Path}; freshly drawn instead: {Fresh}")]
    public static partial void InitialWeightsLoaded(this ILogger log, string path, string fresh);

    [LoggerMessage(1011, LogLevel.Information, "Ignored in {Path}: {Table}, which is a constant of the model")]
    public static partial void InitialConstantIgnored(this ILogger log, string path, string table);

    [LoggerMessage(1012, LogLevel.Warning, "The picture of the run was not drawn: {Problem}")]
    public static partial void PictureNotDrawn(this ILogger log, string problem);

    [LoggerMessage(1013, LogLevel.Warning, "{Problem} Going back to {Checkpoint}, to go on without this batch ({Count} of at most {Most} rollbacks).")]
    public static partial void RunRolledBack(this ILogger log, string problem, string checkpoint, int count, int most);

    [LoggerMessage(1014, LogLevel.Warning, "How the run failed is not in its log, which cannot be written: {Problem}")]
    public static partial void RunLogUnwritten(this ILogger log, string problem);

    // 1100: steps and evaluations.
    [LoggerMessage(1100, LogLevel.Information, "Train: {Epoch} [{Batch,4}/{Batches} ({Percent,3:F0}%)]  Loss: {Loss:F4} ({MeanLoss:F4})  Time: {Seconds:F3}s, {PerSecond:F1}/s ({MeanSeconds:F3}s, {MeanPerSecond:F1}/s)  LR: {Rate:E1}  Data: {Wait:F3} ({MeanWait:F3})  Stage: {Stage}/{Stages} {Network}  Memory: {MemoryMib} MiB  ETA: {Eta}")]
    public static partial void StepTrained(
        this ILogger log, int epoch, int batch, int batches, double percent, double loss, double meanLoss, double seconds, double perSecond, double meanSeconds, double meanPerSecond,
        double rate, double wait, double meanWait, int stage, int stages, SubNetwork network, long memoryMib, string eta);

    [LoggerMessage(1101, LogLevel.Information, "Eval: {Epoch} stage {Stage} {Network}  {Accuracy}loss {Loss:F4}  ({Weights}; {All})  best {Best} in epoch {BestEpoch}")]
    public static partial void Evaluated(this ILogger log, int epoch, int stage, SubNetwork network, string accuracy, double loss, string weights, string all, string best, int bestEpoch);

    // 1200: stages and searches.
    [LoggerMessage(1200, LogLevel.Information, "Stage {Stage} from epoch {Epoch}: {Network}, predicted peak memory {Peak} MiB.")]
    public static partial void StageBegun(this ILogger log, int stage, int epoch, SubNetwork network, long peak);

    [LoggerMessage(1201, LogLevel.Warning, "Stage {Stage}: {MicroBatch} images at a time instead of {BatchSize}, to stay within memory; updates are by the whole batch, batch norm and MixToken see what runs at a time.")]
    public static partial void BatchSplit(this ILogger log, int stage, int microBatch, int batchSize);

    [LoggerMessage(1202, LogLevel.Information, "Stage {Stage}: measured peak memory of the process {Peak} MiB.")]
    public static partial void PeakMeasured(this ILogger log, int stage, long peak);

    [LoggerMessage(1203, LogLevel.Information, "Stage {Stage}: searching {Count} candidates in {Supernet} {Effort}.")]
    public static partial void SearchBegun(this ILogger log, int stage, int count, SubNetwork supernet, string effort);

    [LoggerMessage(1204, LogLevel.Information, "  {Mark} {Candidate}: {Evidence}, {Milliseconds:F1} ms, {Outcome}")]
    public static partial void CandidateJudged(this ILogger log, string mark, SubNetwork candidate, string evidence, double milliseconds, string outcome);

    [LoggerMessage(1205, LogLevel.Information, "Stage {Stage}: {Winner} wins{Alpha}.")]
    public static partial void SearchDecided(this ILogger log, int stage, SubNetwork winner, string alpha);

    [LoggerMessage(1206, LogLevel.Information, "Stage {Stage}: nothing to grow, {Network} stays.")]
    public static partial void NothingToGrow(this ILogger log, int stage, SubNetwork network);

    [LoggerMessage(1207, LogLevel.Information, "Stage {Stage}: running statistics of {Network} computed afresh.")]
    public static partial void StatisticsRecomputed(this ILogger log, int stage, SubNetwork network);

    // 1300: comparisons.
    [LoggerMessage(1300, LogLevel.Information, "Comparison {Run}/{Total}: {Policy}, seed {Seed}.")]
    public static partial void ComparedRunBegun(this ILogger log, int run, int total, string policy, long seed);

    [LoggerMessage(1301, LogLevel.Information, "{Folder} is complete.")]
    public static partial void ComparedRunTaken(this ILogger log, string folder);

    // 1400: checkpoints and kept graphs.
    [LoggerMessage(1400, LogLevel.Warning, "Skipping a damaged checkpoint: {Problem}")]
    public static partial void CheckpointSkipped(this ILogger log, string problem);

    [LoggerMessage(1401, LogLevel.Warning, "Skipping a damaged checkpoint, trying the one before it: {Problem}")]
    public static partial void OlderCheckpointTried(this ILogger log, string problem);

    [LoggerMessage(1402, LogLevel.Warning, "{Problem}")]
    public static partial void CheckpointFolderProblem(this ILogger log, Exception cause, string problem);

    [LoggerMessage(1403, LogLevel.Warning, "{Graph} is not kept: {Problem}")]
    public static partial void GraphNotKept(this ILogger log, string graph, string problem);

    [LoggerMessage(1404, LogLevel.Warning, "{File}: {Problem}; the graph is built again.")]
    public static partial void KeptGraphDamaged(this ILogger log, string file, string problem);

    // 1500: images and latents.
    [LoggerMessage(1500, LogLevel.Warning, "Unreadable image, replaced by the next one: {Image}: {Reason}")]
    public static partial void ImageUnreadable(this ILogger log, string image, string reason);

    [LoggerMessage(1501, LogLevel.Information, "Labelled {Count} of {All} images.")]
    public static partial void ImagesLabelled(this ILogger log, int count, int all);

    [LoggerMessage(1502, LogLevel.Information, "{File}: {Grid} places a side, {Count} images.")]
    public static partial void LabelsWritten(this ILogger log, string file, int grid, int count);

    [LoggerMessage(1503, LogLevel.Information, "Encoding {Count} images of '{Dataset}' at {Resolution} pixels into {Path}")]
    public static partial void EncodingBegun(this ILogger log, int count, string dataset, int resolution, string path);

    [LoggerMessage(1504, LogLevel.Information, "Encoded {Count} images in {Seconds:F1} s")]
    public static partial void EncodingFinished(this ILogger log, int count, double seconds);

    [LoggerMessage(1505, LogLevel.Warning, "{Path} is not usable and is made anew: {Problem}")]
    public static partial void LatentsMadeAnew(this ILogger log, string path, string? problem);

    // 1600: what leaves the engine.
    [LoggerMessage(1600, LogLevel.Information, "Exported {Path}: {Weights} weights, {Network}{Proof}.")]
    public static partial void ModelExported(this ILogger log, string path, string weights, SubNetwork network, string proof);

    [LoggerMessage(1601, LogLevel.Information, "Exported {Encoder} and {Decoder}: {Weights} weights.")]
    public static partial void AutoencoderExported(this ILogger log, string encoder, string decoder, string weights);

    [LoggerMessage(1602, LogLevel.Warning, "{Remark}")]
    public static partial void ExportRemarked(this ILogger log, string remark);

    [LoggerMessage(1603, LogLevel.Error, "{File}: not exported: {Problem} The run is complete; export it again with 'autoprog {Call}'.")]
    public static partial void ExportFailed(this ILogger log, string file, string problem, string call);

    [LoggerMessage(1604, LogLevel.Information, "{Done} of {Count} samples.")]
    public static partial void SamplesDrawn(this ILogger log, int done, int count);
}
