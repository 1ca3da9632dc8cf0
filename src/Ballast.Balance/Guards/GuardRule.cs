namespace Ballast.Balance.Guards;

/// <summary>The rules that limit a policy's wishes. If two conflict, the one with the lower number counts.</summary>
public enum GuardRule
{
    /// <summary>No guest shrinks below its floor: its configured minimum, or what it uses plus a margin.</summary>
    Floor = 1,

    /// <summary>A guest whose numbers are uncertain does not shrink below what the host holds of it.</summary>
    UncertainNumbers = 2,

    /// <summary>Guests grow only into memory that others gave back, and not beyond what the memory limits of their QEMUs' control groups leave them together.</summary>
    Budget = 3,

    /// <summary>A balloon moves only a limited distance per step and per minute.</summary>
    Speed = 4,

    /// <summary>A guest that cannot operate its balloon gets no target; one that was reset may grow.</summary>
    NotReady = 5,

    /// <summary>If the balloon moved and the host got nothing back, the guest gets its memory back.</summary>
    NothingReturned = 6,

    /// <summary>A balloon that does not follow its target counts with its current size and is left alone.</summary>
    NotFollowing = 7,

    /// <summary>If somebody else moved the balloon, the guest is left alone for a while.</summary>
    ForeignTarget = 8,

    /// <summary>After <see cref="GuardLimits.MostFailures"/> failures in a row, nothing changes until <see cref="BalloonGuard.Resume"/>.</summary>
    Failures = 9,
}
