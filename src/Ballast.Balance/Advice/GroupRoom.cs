namespace Ballast.Balance.Advice;

/// <summary>What the memory limit of QEMUs' own control group leaves their guests.</summary>
internal static class GroupRoom
{
    private const double Allowance = HostBudget.QemuAllowance * 1024;

    /// <summary>
    /// The largest size of a guest's balloon, in KiB, with which the group stays within its limit though the others of it grow as well:
    /// each has an equal part of what is left beyond all their balloons. Null where nothing limits the group.
    /// </summary>
    /// <param name="guest">The guest.</param>
    /// <param name="members">All guests whose QEMUs are in the group, this one among them.</param>
    public static ulong? Left(SeenGuest guest, IReadOnlyList<SeenGuest> members)
    {
        if (guest.Process.Group is not { LimitKiB: { } limit } group)
            return null;
        double held = group.UnreclaimableKiB ?? Sizes.Sum(members, static member => member.Stats.RssKiB ?? 0);
        double known = Sizes.Sum(members, static member => Balloon(member) ?? 0);
        int unknown = members.Count(static member => Balloon(member) is null);

        // What nobody tells of is taken to be in the balloons of those of whom nobody knows the size.
        double balloons = unknown > 0 ? Math.Max(held, known) : known;

        // What the group holds beyond what balloons leave guests is QEMU's, or that of other programs in it.
        double beside = Math.Max(Allowance * members.Count, held - balloons), room = limit - beside - balloons;
        return (ulong)Math.Max(0, (Balloon(guest) ?? ((balloons - known) / unknown)) + (room / members.Count));
    }

    // It has no more than its maximum, whatever its report says: that would be taken from the others.
    private static double? Balloon(SeenGuest guest) => guest.Stats.ActualKiB is { } actual ? Math.Min(actual, guest.MaximumKiB ?? actual) : null;
}
