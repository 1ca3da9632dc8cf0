namespace Ballast;

/// <summary>How <see cref="UsedMemory"/> was computed; the best that the guest's report allows is taken.</summary>
public enum UsedMemoryFormula
{
    /// <summary>available − usable: what the guest's own <c>free</c> would call used.</summary>
    AvailableMinusUsable,

    /// <summary>available − unused − disk_caches, for guests that do not report usable.</summary>
    AvailableMinusUnusedMinusDiskCaches,

    /// <summary>available − unused, for guests that report neither: counts caches as used.</summary>
    AvailableMinusUnused,
}

/// <summary>Memory that the guest uses and could not hand out without swapping.</summary>
/// <param name="KiB">The amount in KiB.</param>
/// <param name="Formula">How it was computed.</param>
public readonly record struct UsedMemory(ulong KiB, UsedMemoryFormula Formula);
