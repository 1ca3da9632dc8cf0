namespace Ballast.Balance.Advice;

/// <summary>What a guest needs, look after look: in KiB.</summary>
internal sealed class GuestUse
{
    private ulong? _size;
    private long? _reportedThen;
    private ulong _kernelsOwn;

    /// <summary>
    /// What it needs by <see cref="GuestShortage.NeededKiB(MemoryStats)"/>. Where nobody knows which size of its balloon its report belongs
    /// to, what it uses and what its kernel was seen to keep. Null where it does not tell what it uses.
    /// </summary>
    public ulong? Needed(GuestFacts guest)
    {
        bool isOfThisSize = guest.BalloonKiB == _size && guest.Reported != _reportedThen;
        if (guest.BalloonKiB != _size)
            (_size, _reportedThen) = (guest.BalloonKiB, guest.Reported);
        if (guest.UsedKiB is not { } used)
            return null;

        // A report that came after its balloon had this size belongs to it, however much its kernel keeps: for a crash kernel, perhaps.
        if (isOfThisSize && guest is { BalloonAtReportKiB: { } actual, FreeKiB: { } free } && actual == _size && free <= actual && actual - free >= used)
            _kernelsOwn = actual - free - used;
        return GuestShortage.NeededKiB(guest.BalloonAtReportKiB, guest.FreeKiB, used) ?? used + _kernelsOwn;
    }
}
