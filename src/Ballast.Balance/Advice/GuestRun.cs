namespace Ballast.Balance.Advice;

/// <summary>
/// One run of a guest's process. Another one may bear the same id later: after its host has booted, libvirt's daemon counts from 1 again,
/// and ballastd's ids are those of processes.
/// </summary>
/// <param name="number">How many others bore the id before.</param>
internal sealed class GuestRun(int number = 0)
{
    private double? _ran;
    private double _at;

    /// <summary>The name that policies and guards know it by.</summary>
    public string NameOf(GuestFacts guest) => number == 0 ? $"{guest.Key}" : $"{guest.Key} {number}";

    /// <summary>Whether a guest with its id is seen in another run now. Where nobody tells for how long a process has run, its id has to do.</summary>
    public bool IsOver(GuestFacts guest, double now)
    {
        if (_ran is not { } then || guest.RunSeconds is not { } ran)
            return false;

        // One that began after the last look has not run for longer than that is ago. Looks are not to the moment: what the one before
        // had run for is far enough from that, unless it had just begun.
        return ran < then || ran < now - _at + (then / 2);
    }

    /// <summary>The one that took its place.</summary>
    public GuestRun Next() => new(number + 1);

    /// <summary>It is seen.</summary>
    public void See(GuestFacts guest, double now) => (_ran, _at) = (guest.RunSeconds ?? _ran, guest.RunSeconds is null ? _at : now);
}
