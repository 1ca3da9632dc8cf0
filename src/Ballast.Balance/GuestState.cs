namespace Ballast.Balance;

/// <summary>What a policy knows of a guest: sizes in MiB.</summary>
public sealed record GuestState
{
    /// <summary>The guest's name, which no other has.</summary>
    public required string Name { get; init; }

    /// <summary>The most memory it may have.</summary>
    public required double Maximum { get; init; }

    /// <summary>The least memory that it is to be left.</summary>
    public required double Minimum { get; init; }

    /// <summary>How large its balloon leaves it now.</summary>
    public required double Balloon { get; init; }

    /// <summary>
    /// What was wished for it last, as far as guards let it be told; its balloon's size at the start, and where wishes are only advice
    /// that nobody followed.
    /// </summary>
    public required double LastWish { get; init; }

    /// <summary>What the host holds of it (its RSS); a guest cannot forge it.</summary>
    public required double Resident { get; init; }

    /// <summary>Its last report, which may be old; null where there is none.</summary>
    public required GuestReport? Report { get; init; }

    /// <summary>What lies in its swap, where somebody can tell.</summary>
    public double? Swapped { get; init; }
}
