namespace Ballast.Balance;

/// <summary>A guest's report on its memory: sizes in MiB, counters since it booted.</summary>
/// <param name="Time">The time of the report, in seconds on the clock of <see cref="HostState.Time"/>.</param>
/// <param name="Actual">The balloon's size at that time.</param>
/// <param name="Available">The memory that the guest's kernel manages. It does not shrink in guests that count the balloon as used.</param>
/// <param name="Unused">Free memory, without caches (Linux: MemFree).</param>
/// <param name="Usable">Memory that programs can get without swapping (Linux: MemAvailable).</param>
/// <param name="DiskCaches">File caches. They include shared memory, which the guest cannot give back.</param>
/// <param name="SwapIn">Memory read from the guest's swap, in MiB.</param>
/// <param name="SwapOut">Memory written to the guest's swap, in MiB.</param>
/// <param name="MajorFaults">The number of page faults that had to read from a disk.</param>
public sealed record GuestReport(
    double Time, double Actual, double Available, double Unused, double Usable, double DiskCaches, double SwapIn, double SwapOut, double MajorFaults);
