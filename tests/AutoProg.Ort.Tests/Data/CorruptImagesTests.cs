using AutoProg.Ort.Data;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Data;

public class CorruptImagesTests
{
    [Fact]
    public void A_corrupt_image_is_replaced_by_the_next_one_with_its_label()
    {
        var log = new MessageList();
        var images = new CorruptImages(new PatternImages(10) { Corrupt = [3, 4, 9] }, 0.5, log);
        Assert.Equal((5, 0), (PixelsFrom(images, 3, out var label), label));
        Assert.Equal((5, 0), (PixelsFrom(images, 4, out label), label));
        Assert.Equal((0, 0), (PixelsFrom(images, 9, out label), label));
        Assert.Equal((6, 1), (PixelsFrom(images, 6, out label), label));
        Assert.Equal(3, images.Count);
        Assert.Equal(
            ["pattern/3.png", "pattern/4.png", "pattern/9.png"],
            log.Messages.Select(message => message["Unreadable image, replaced by the next one: ".Length..^": scratched".Length]));
    }

    [Fact]
    public void More_than_the_allowed_share_ends_the_run_with_names()
    {
        var images = new CorruptImages(new PatternImages(200) { Corrupt = [10, 20, 30] }, 0.01, NullLogger.Instance);
        images.Load(10, 24, out _).Dispose();
        images.Load(20, 24, out _).Dispose();
        images.Load(20, 24, out _).Dispose();
        var error = Assert.Throws<DataException>(() => images.Load(30, 24, out _));
        Assert.Equal(
            "3 of the 200 images of 'pattern' are unreadable, more than data.max_corrupt_fraction = 0.01 allows: pattern/10.png, pattern/20.png, pattern/30.png. Repair or remove them.",
            error.Message);
        Assert.IsType<ImageUnreadableException>(error.InnerException);
    }

    [Fact]
    public void The_first_corrupt_image_ends_the_run_when_none_is_allowed()
    {
        var images = new CorruptImages(new PatternImages(200) { Corrupt = [10] }, 0, NullLogger.Instance);
        Assert.Throws<DataException>(() => images.Load(10, 24, out _));
    }

    [Fact]
    public void A_data_set_without_a_readable_image_does_not_hang()
    {
        var images = new CorruptImages(new PatternImages(3) { Corrupt = [0, 1, 2] }, 1, NullLogger.Instance);
        var error = Assert.Throws<DataException>(() => images.Load(1, 24, out _));
        Assert.Equal("No image of 'pattern' is readable; the first ones are pattern/1.png, pattern/2.png, pattern/0.png.", error.Message);
    }

    [Fact]
    public void A_label_outside_the_classes_is_an_error_and_not_a_wrong_target()
    {
        var images = new CorruptImages(new PatternImages(10) { WrongLabel = 4 }, 1, NullLogger.Instance);
        var error = Assert.Throws<DataException>(() => images.Load(4, 24, out _));
        Assert.Equal("'pattern/4.png' of 'pattern' has label 5; expected 0 to 4.", error.Message);
    }

    [Fact]
    public void A_truncated_file_on_disk_is_stepped_over()
    {
        using var folder = new TemporaryFolder();
        folder.WriteImage("cat/a.jpg", 32, 32, SkiaSharp.SKEncodedImageFormat.Jpeg);
        var broken = folder.WriteImage("cat/b.jpg", 32, 32, SkiaSharp.SKEncodedImageFormat.Jpeg);
        File.WriteAllBytes(broken, File.ReadAllBytes(broken)[..300]);
        folder.WriteImage("dog/c.png", 32, 32);
        var log = new MessageList();
        var images = new CorruptImages(new AutoProg.Ort.Data.Formats.ImageFolder(folder.Path), 0.5, log);
        images.Load(1, 32, out var label).Dispose();
        Assert.Equal(1, label);
        Assert.StartsWith($"Unreadable image, replaced by the next one: {broken}: ", Assert.Single(log.Messages), StringComparison.Ordinal);
    }

    /// <summary>Index of the pattern that was loaded, told by its pixels.</summary>
    private static int PixelsFrom(CorruptImages images, int index, out int label)
    {
        using var image = images.Load(index, 24, out label);
        var pixels = image.Pixels.ToArray();
        return Enumerable.Range(0, 10).Single(candidate =>
        {
            using var expected = new PatternImages(10).Load(candidate, 24);
            return expected.Pixels.SequenceEqual(pixels);
        });
    }

    private sealed class MessageList : ILogger
    {
        public List<string> Messages { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Messages.Add(formatter(state, exception));
    }
}
