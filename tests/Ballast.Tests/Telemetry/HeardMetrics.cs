using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Ballast.Tests.Telemetry;

/// <summary>Adds up what the library counts while this listens.</summary>
internal sealed class HeardMetrics : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _sums = [];
    private readonly ConcurrentDictionary<string, ConcurrentQueue<double>> _values = [];

    public HeardMetrics()
    {
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(typeof(Ballast.Telemetry.Metrics).TypeHandle);
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(
            typeof(Ballast.Balance.Advice.Advisor).Assembly.GetType("Ballast.Balance.Advice.BalanceMetrics", throwOnError: true)!.TypeHandle);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != "Ballast")
                return;
            Instruments.Add(instrument);
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            _sums.AddOrUpdate(Key(instrument, tags), value, (_, sum) => sum + value));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            _values.GetOrAdd(Key(instrument, tags), _ => []).Enqueue(value));
        _listener.Start();
    }

    public List<Instrument> Instruments { get; } = [];

    /// <summary>The sum of an instrument, its tags' values after its name.</summary>
    public long this[string name] => _sums.GetValueOrDefault(name);

    public IReadOnlyCollection<double> Values(string name) => _values.GetValueOrDefault(name) ?? [];

    public void Dispose() => _listener.Dispose();

    private static string Key(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string key = instrument.Name;
        foreach (KeyValuePair<string, object?> tag in tags)
            key += $" {tag.Value}";
        return key;
    }
}
