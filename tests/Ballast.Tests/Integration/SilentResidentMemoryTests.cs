using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>What the host holds of a guest is of now, however long its monitor has been silent: nobody has to be asked for it.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)] // What other QEMUs map too, nobody takes.
public sealed class SilentResidentMemoryTests
{
    // Pages of the program and its libraries: nothing has to be written anywhere to take them from it.
    private const string TakePages = """
        import ctypes, sys
        libc = ctypes.CDLL(None, use_errno=True)
        class Range(ctypes.Structure):
            _fields_ = [("start", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        pidfd_open, process_madvise, page_out = 434, 440, 21
        pid = int(sys.argv[1])
        process = libc.syscall(pidfd_open, pid, 0)
        taken = 0
        for line in open(f"/proc/{pid}/maps"):
            fields = line.split()
            if len(fields) > 5 and fields[5].startswith("/usr"):
                start, end = (int(number, 16) for number in fields[0].split("-"))
                taken += libc.syscall(process_madvise, process, ctypes.byref(Range(start, end - start)), 1, page_out, 0) > 0
        sys.exit(0 if taken else ctypes.get_errno())
        """;

    private const int LeastTakenKib = 2048;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_that_of_the_moment()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions(), Token);
        await using Connection connection = await Connection.OpenAsync($"qmp://{guest.MonitorPath}?timeout=2s", cancellationToken: Token);
        Domain domain = (await connection.ListDomainsAsync(cancellationToken: Token))[0];
        ulong? before = (await domain.GetMemoryStatsAsync(cancellationToken: Token)).RssKiB;
        await guest.Process.StopAsync(Token);
        long held = guest.Process.ReadResidentKib();
        CommandResult taken = await ChildProcess.RunAsync("python3", ["-c", TakePages, $"{guest.Pid}"], cancellationToken: Token);
        long left = guest.Process.ReadResidentKib();
        Assert.SkipWhen(held - left < LeastTakenKib || before < (ulong)held - LeastTakenKib, $"no pages can be taken from a process here: error {taken.ExitCode}");

        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);

        Assert.Equal(MemoryStatsReason.MonitorHung, sample.Reason);

        // The kernel counts what each processor did a little later.
        Assert.InRange(sample.RssKiB!.Value, 1UL, (ulong)(held + left) / 2);
    }
}
