using System.Diagnostics.Metrics;

namespace Ballast.Telemetry;

/// <summary>
/// One instrument. Whoever listens to it is called in the middle of our work, perhaps with a lock held, and may throw anything:
/// that is his alone.
/// </summary>
/// <param name="instrument">The instrument.</param>
/// <param name="record">Records a value with it.</param>
internal sealed class Measure<T>(Instrument instrument, Action<T> record)
    where T : struct
{
    /// <summary>Whether anybody listens.</summary>
    public bool Enabled => instrument.Enabled;

    public void Add(T value)
    {
        if (instrument.Enabled)
            Unattended.Run(record, value);
    }
}
