using Ballast.Cli.Memory;

namespace Ballast.Cli.Watch;

/// <summary>A sample, and the one before it.</summary>
/// <param name="Time">When it was asked for, by this host's clock.</param>
/// <param name="Line">The sample, with its rates.</param>
/// <param name="Before">The one before; null for the first.</param>
/// <param name="Silence">
/// For how long the guest has reported nothing that can be judged; <see cref="TimeSpan.MaxValue"/>: it never has. Null: nobody knows.
/// </param>
internal sealed record FollowedSample(DateTimeOffset Time, MemoryLine Line, MemoryStats? Before, TimeSpan? Silence)
{
    public MemoryStats Stats => Line.Stats;

    /// <summary>How much a value rose, in its unit; null where one of the two is unknown.</summary>
    public long? Change(Func<MemoryStats, ulong?> value) =>
        Before is not null && value(Stats) is { } now && value(Before) is { } then ? unchecked((long)(now - then)) : null;
}
