using System.Diagnostics.Metrics;

namespace AutoProg.Ort.Tests.Monitoring;

/// <summary>What a listener hears of the meters of one factory.</summary>
internal sealed class MeasuredRun : IMeterFactory
{
    private readonly MeterListener listener = new();
    private readonly List<Meter> meters = [];

    public MeasuredRun()
    {
        listener.InstrumentPublished = (instrument, who) =>
        {
            if (meters.Contains(instrument.Meter))
            {
                Instruments.Add(instrument);
                who.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Hear(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Hear(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Hear(instrument, value, tags));
        listener.Start();
    }

    public List<Instrument> Instruments { get; } = [];

    public List<(string Instrument, double Value, Dictionary<string, object?> Tags)> Measurements { get; } = [];

    public Meter Create(MeterOptions options)
    {
        var meter = new Meter(options);
        meters.Add(meter);
        return meter;
    }

    public IReadOnlyList<double> Of(string instrument) => [.. Measurements.Where(m => m.Instrument == instrument).Select(static m => m.Value)];

    public void Dispose()
    {
        listener.Dispose();
        meters.ForEach(static meter => meter.Dispose());
    }

    private void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) => Measurements.Add((instrument.Name, value, new(tags.ToArray())));
}
