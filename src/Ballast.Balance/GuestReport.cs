namespace Ballast.Balance;

/// <summary>What a guest reported about its memory: sizes in MiB, counters since its boot.</summary>
/// <param name="Time">When, in seconds on the clock of <see cref="HostState.Time"/>.</param>
/// <param name="Actual">The balloon's size at that time.</param>
/// <param name="Available">The memory that the guest's kernel manages. It does not shrink in guests that count the balloon as used.</param>
/// <param name="Unused">Free memory, without caches.</param>
/// <param name="Usable">Memory that programs could get without swapping.</param>
/// <param name="DiskCaches">File caches, and shared memory, which the guest cannot give back.</param>
/// <param name="SwapIn">Read from the guest's swap.</param>
/// <param name="SwapOut">Written to it.</param>
/// <param name="MajorFaults">Faults that had to read from a disk.</param>
public sealed record GuestReport(
    double Time, double Actual, double Available, double Unused, double Usable, double DiskCaches, double SwapIn, double SwapOut, double MajorFaults);
