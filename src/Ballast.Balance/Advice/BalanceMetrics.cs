using System.Diagnostics.Metrics;

namespace Ballast.Balance.Advice;

/// <summary>What was advised, in the meter of the library; docs/metrics.md describes it.</summary>
internal static class BalanceMetrics
{
    private const double BytesPerMib = 1024 * 1024;

    private static readonly Meter Meter = new("Ballast");

    private static readonly Counter<long> Advised =
        Meter.CreateCounter<long>("ballast.balance.advice", "{guest}", "Guests about which something was advised.");

    private static readonly Gauge<double> Short =
        Meter.CreateGauge<double>("ballast.balance.short", "By", "What guests lacked at the last look.");

    private static readonly Gauge<double> PossibleGain =
        Meter.CreateGauge<double>("ballast.balance.possible_gain", "By", "What the host could have got back at the last look.");

    public static void Record(HostAdvice advice)
    {
        if (Advised.Enabled)
        {
            foreach (GuestAdvice guest in advice.Guests)
                Advised.Add(1, new KeyValuePair<string, object?>("ballast.balance.kind", guest.Kind.Label()));
        }

        Short.Record(advice.Short * BytesPerMib);
        PossibleGain.Record(advice.PossibleGain * BytesPerMib);
    }
}
