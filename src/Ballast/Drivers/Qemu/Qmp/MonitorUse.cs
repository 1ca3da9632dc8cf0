namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Whose the monitor is: one that was found is its owner's, and is used as long as the owner does not want it.</summary>
internal sealed class MonitorUse(Lock gate, TimeProvider time) : MonitorPart(gate)
{
    // How long a found monitor that was seen held is left alone after its owner went.
    private static readonly TimeSpan OwnerGracePeriod = TimeSpan.FromSeconds(30);

    // How long a found monitor is kept that nobody uses.
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(30);

    private long? _heldAt;
    private long _usedAt;
    private int _namers;

    /// <summary>Whether somebody in this process named the socket, which is consent to use and to keep it.</summary>
    public bool IsNamed => Volatile.Read(ref _namers) > 0;

    /// <summary>Whether it is making way for its owner: nothing is begun that has to be ended.</summary>
    public bool IsYielding { get; private set; }

    public bool IsIdle => time.GetElapsedTime(_usedAt) >= IdleTime;

    /// <summary>Whether its owner left it a moment ago and may be about to connect again.</summary>
    public bool MayOwnerReturn => _heldAt is { } heldAt && time.GetElapsedTime(heldAt) < OwnerGracePeriod;

    public void AddNamer() => Interlocked.Increment(ref _namers);

    public void RemoveNamer() => Interlocked.Decrement(ref _namers);

    public void NoteUse(long now)
    {
        AssertLocked();
        _usedAt = now;
    }

    /// <summary>Somebody else was seen to hold it.</summary>
    public void NoteHeld()
    {
        AssertLocked();
        _heldAt = time.GetTimestamp();
    }

    /// <returns>False where it is making way already, or stays because it was named.</returns>
    public bool TryYield()
    {
        AssertLocked();
        if (IsYielding || IsNamed)
            return false;
        return IsYielding = true;
    }

    public void EndYield()
    {
        AssertLocked();
        IsYielding = false;
    }
}
