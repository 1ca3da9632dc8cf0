namespace Ballast.Balance;

/// <summary>A guest, as a policy sees it: sizes in MiB.</summary>
public sealed record GuestState
{
    /// <summary>The guest's name; unique.</summary>
    public required string Name { get; init; }

    /// <summary>The most memory it may have.</summary>
    public required double Maximum { get; init; }

    /// <summary>The least memory that it keeps.</summary>
    public required double Minimum { get; init; }

    /// <summary>The current size of its balloon: the memory that the guest may use.</summary>
    public required double Balloon { get; init; }

    /// <summary>
    /// The last target that the guards passed on; the balloon's size at the start, and while wishes are advice that nobody follows.
    /// </summary>
    public required double LastWish { get; init; }

    /// <summary>The resident memory of its hypervisor process (RSS). A guest cannot forge it.</summary>
    public required double Resident { get; init; }

    /// <summary>Its last report, which may be old; null if there is none.</summary>
    public required GuestReport? Report { get; init; }

    /// <summary>The memory in its swap; null if unknown.</summary>
    public double? Swapped { get; init; }
}
