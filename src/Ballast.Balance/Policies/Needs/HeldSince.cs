namespace Ballast.Balance.Policies.Needs;

/// <summary>
/// What the host has come to hold of a guest since its last report. The host sees that at once: where reports come late, a need that
/// leaps is seen here first. It may be files as well, which only the next report tells apart.
/// </summary>
internal sealed class HeldSince
{
    private readonly Queue<(double Time, double Held, double Balloon)> _looks = [];

    /// <summary>Notes what the host holds now.</summary>
    public void Look(GuestState guest, double time)
    {
        while (_looks.TryPeek(out (double Time, double Held, double Balloon) oldest) && BallastConstants.IsSilent(time - oldest.Time))
            _ = _looks.Dequeue();
        _looks.Enqueue((time, guest.Resident, guest.Balloon));
    }

    /// <summary>
    /// How much more of its balloon's size a guest has come to fill since it reported, in MiB. The rest of the time between the report and
    /// the next look is not counted: the report may tell of it.
    /// </summary>
    /// <param name="reported">When it reported.</param>
    /// <param name="guest">The guest now.</param>
    public double RisenSince(double reported, GuestState guest)
    {
        while (_looks.TryPeek(out (double Time, double Held, double Balloon) look) && look.Time < reported)
            _ = _looks.Dequeue();

        // 0 stands for what nobody knows. What a balloon gave back may be held as well, and is not used by that.
        double risen = _looks.TryPeek(out (double Time, double Held, double Balloon) then) && then.Held > 0
            ? guest.Resident - then.Held - Math.Max(0, guest.Balloon - then.Balloon)
            : 0;
        return risen > BallastConstants.RisenLeast ? risen : 0;
    }
}
