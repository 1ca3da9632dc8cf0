namespace Ballast.Balance;

/// <summary>What a guest reported about its memory: sizes in MiB, counters since its boot.</summary>
/// <param name="Time">When, in seconds on the clock of <see cref="HostState.Time"/>.</param>
/// <param name="Actual">The balloon's size then.</param>
/// <param name="Available">What the guest's kernel manages; it stays where the guest takes memory out of its balloon by itself.</param>
/// <param name="Unused">What nobody uses, caches excluded.</param>
/// <param name="Usable">What programs could get without swapping.</param>
/// <param name="DiskCaches">Caches of files, and shared memory, which cannot be given back.</param>
/// <param name="SwapIn">Read from the guest's swap.</param>
/// <param name="SwapOut">Written to it.</param>
/// <param name="MajorFaults">Faults that had to read from a disk.</param>
public sealed record GuestReport(
    double Time, double Actual, double Available, double Unused, double Usable, double DiskCaches, double SwapIn, double SwapOut, double MajorFaults);
