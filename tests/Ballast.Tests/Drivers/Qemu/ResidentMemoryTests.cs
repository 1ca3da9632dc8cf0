using Ballast.Guests;
using QemuProcess = Ballast.Drivers.Qemu.Processes.QemuProcess;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>The resident memory of a QEMU, and with it whether it lives, is read once for all callers that share an answer, and again for the next one.</summary>
public sealed class ResidentMemoryTests
{
    [Fact]
    public async Task It_is_read_once_for_an_answer()
    {
        await using ChildProcess child = await ChildProcess.StartAsync("bash", ["-c", "exec -a qemu-system-x86_64 sleep 300"]);
        await Waiting.UntilAsync("program", () => File.ReadAllText($"/proc/{child.Pid}/cmdline").StartsWith("qemu-system-x86_64\0", StringComparison.Ordinal));
        using QemuProcess process = QemuProcess.Find(child.Pid)!;
        ulong? first = process.ReadRssKiB(1);
        Assert.NotNull(first);
        Assert.All<long>([0, 1, 2], answer => Assert.False(process.HasExitedBy(answer)));

        // It has none any more.
        ChildProcess.Kill(child.Pid);
        await Waiting.UntilAsync("end", () => process.HasExited);

        Assert.Equal(first, process.ReadRssKiB(1));
        Assert.False(process.HasExitedBy(1));
        Assert.All<long>([0, 2], answer => Assert.True(process.HasExitedBy(answer)));
        Assert.NotEqual(first, process.ReadRssKiB(0));
        Assert.NotEqual(first, process.ReadRssKiB(2));
        Assert.True(process.HasExitedBy(2));
    }
}
