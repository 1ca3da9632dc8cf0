using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>What the host holds of a guest is of now, however long its monitor has been silent: nobody has to be asked for it.</summary>
[Trait("needs", "qemu")]
public sealed class SilentResidentMemoryTests
{
    private const int GrownKib = 8 * 1024;

    // Writes what is there already into pages of the largest piece of memory: those that nobody has touched become resident.
    private const string Touch = """
        import sys
        pid, size, page = sys.argv[1], int(sys.argv[2]) * 1024, 4096
        ranges = []
        for line in open(f"/proc/{pid}/maps"):
            addresses, rights = line.split()[:2]
            if rights == "rw-p":
                start, end = (int(number, 16) for number in addresses.split("-"))
                ranges.append((end - start, start))
        length, start = max(ranges)
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            for at in range(start + length // 2, start + length // 2 + size, page):
                memory.seek(at)
                byte = memory.read(1)
                memory.seek(at)
                memory.write(byte)
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_that_of_the_moment()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions(), Token);
        await using Connection connection = await Connection.OpenAsync($"qmp://{guest.MonitorPath}?timeout=2s", cancellationToken: Token);
        Domain domain = (await connection.ListDomainsAsync(cancellationToken: Token))[0];
        Assert.NotNull((await domain.GetMemoryStatsAsync(cancellationToken: Token)).RssKiB);
        await guest.Process.StopAsync(Token);
        long before = guest.Process.ReadResidentKib();
        CommandResult touched = await ChildProcess.RunAsync("python3", ["-c", Touch, $"{guest.Pid}", $"{GrownKib}"], cancellationToken: Token);
        Assert.Equal(new CommandResult(0, "", ""), touched);

        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);

        Assert.Equal(MemoryStatsReason.MonitorHung, sample.Reason);

        // The kernel counts what each processor did a little later.
        Assert.InRange(sample.RssKiB!.Value, (ulong)before + (GrownKib / 2), (ulong)before + (2 * GrownKib));
    }
}
