namespace Ballast.Cli.Watch;

/// <summary>
/// Which run of a domain's process was seen. After its host has booted, another one may have the same id: libvirt's daemon counts from 1
/// again, and ballastd's ids are those of processes.
/// </summary>
/// <param name="RunTime">For how long it had run; null: nobody tells.</param>
/// <param name="At">When it was asked for, in ticks of the time provider.</param>
internal readonly record struct ProcessRun(TimeSpan? RunTime, long At)
{
    // Of an answer that takes its time, and of two clocks that do not go alike.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);
    private const double Drift = 0.001;

    /// <summary>Asks for it, where somebody tells.</summary>
    public static async ValueTask<ProcessRun> AskAsync(Domain domain, TimeProvider time, CancellationToken cancellationToken)
    {
        long now = time.GetTimestamp();
        try
        {
            IReadOnlyList<DomainProcessMemory> found = await domain.Connection.GetProcessMemoryAsync([domain], cancellationToken);
            return new(found.Count == 1 ? found[0].Memory.RunTime : null, now);
        }
        catch (LibvirtException)
        {
            // What the loss of the connection means is seen by the next question.
            return new(null, now);
        }
    }

    /// <summary>Whether a later answer is about the same run. Null: it cannot be said for certain.</summary>
    /// <param name="later">The later answer.</param>
    /// <param name="seenAt">When this run was last seen, in the same ticks.</param>
    /// <param name="time">Whose ticks these are.</param>
    public bool? IsSameAs(ProcessRun later, long seenAt, TimeProvider time)
    {
        if (RunTime is not { } then || later.RunTime is not { } now)
            return null;
        TimeSpan elapsed = time.GetElapsedTime(At, later.At), slack = Slack + (elapsed * Drift);

        // It grows while the process runs. Where it grew less or more than this clock, one of the two hosts may have slept.
        return now + slack < then + time.GetElapsedTime(At, seenAt) ? false
            : (now - then - elapsed).Duration() <= slack ? true : null;
    }
}
