namespace Ballast.Balance.Guards;

/// <summary>What bounds a policy's wishes. Where two conflict, the lower number counts.</summary>
public enum GuardRule
{
    /// <summary>No guest is shrunk below its floor: what is configured, or what it uses and a margin.</summary>
    Floor = 1,

    /// <summary>On numbers that are not certain, no guest is shrunk below what the host holds of it.</summary>
    UncertainNumbers = 2,

    /// <summary>Guests grow only into what was freed, and no further than the memory limit of their QEMU's own control group.</summary>
    Budget = 3,

    /// <summary>A balloon moves only so far in a step, and in a minute.</summary>
    Speed = 4,

    /// <summary>A guest that cannot answer to its balloon gets no target; one that was reset may grow.</summary>
    NotReady = 5,

    /// <summary>Where the balloon moved and the host got nothing back, the guest gets its memory back.</summary>
    NothingReturned = 6,

    /// <summary>A balloon that does not follow is counted at its size and left alone.</summary>
    NotFollowing = 7,

    /// <summary>Where somebody else moved the balloon, the guest is left alone for a while.</summary>
    ForeignTarget = 8,

    /// <summary>After so many failures in a row, nothing is changed until somebody looks.</summary>
    Failures = 9,
}
