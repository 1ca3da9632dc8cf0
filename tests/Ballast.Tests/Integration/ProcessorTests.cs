using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A real QEMU's processors, against what the host's kernel says about their threads.</summary>
[Trait("needs", "qemu")]
public sealed class ProcessorTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Processors_are_the_kernels_threads()
    {
        await using Opened guest = await Opened.StartAsync(new DrivenGuestOptions { ExtraArguments = ["-smp", "2"] });
        await using OracleMonitor oracle = await guest.Driven.OracleAsync(Token);
        int[] threads =
        [
            .. (await oracle.ExecuteAsync("query-cpus-fast", cancellationToken: Token)).EnumerateArray()
                .OrderBy(cpu => cpu.GetProperty("cpu-index").GetInt32()).Select(cpu => cpu.GetProperty("thread-id").GetInt32()),
        ];
        Assert.Equal(2, threads.Length);
        int last = Environment.ProcessorCount - 1;
        CommandResult pinned = await ChildProcess.RunAsync("taskset", ["-pc", $"{last}", $"{threads[1]}"], cancellationToken: Token);
        Assert.Equal((0, ""), (pinned.ExitCode, pinned.Errors));

        // Nothing runs any more, so that the numbers stand still.
        await guest.Domain.SuspendAsync(Token);
        IReadOnlyList<VirtualCpu> cpus = await guest.Domain.GetVirtualCpusAsync(Token);
        Assert.Equal([(0, VirtualCpuState.Running), (1, VirtualCpuState.Running)], cpus.Select(cpu => (cpu.Number, cpu.State)));
        foreach ((VirtualCpu cpu, int thread) in cpus.Zip(threads))
        {
            const int user = 13, system = 14, processor = 38, ticksPerSecond = 100;
            string stat = await File.ReadAllTextAsync($"/proc/{guest.Driven.Pid}/task/{thread}/stat", Token);
            string[] fields = ["", "", .. stat[(stat.LastIndexOf(')') + 2)..].Split(' ')];
            long ticks = long.Parse(fields[user], CultureInfo.InvariantCulture) + long.Parse(fields[system], CultureInfo.InvariantCulture);
            Assert.Equal((TimeSpan.FromSeconds((double)ticks / ticksPerSecond), fields[processor]), (cpu.CpuTime, $"{cpu.HostCpu}"));
        }

        Assert.Contains(true, cpus[0].Affinity);
        Assert.Equal(Enumerable.Range(0, cpus[1].Affinity.Count).Select(host => host == last), cpus[1].Affinity);
        Assert.Equal(cpus.Select(cpu => cpu.Affinity), await guest.Domain.GetVirtualCpuAffinitiesAsync(cancellationToken: Token));

        IReadOnlyList<TypedParameter> stats = Assert.Single(await guest.Connection.GetAllDomainStatsAsync(
            DomainStatsGroups.CpuTotal | DomainStatsGroups.Vcpu, cancellationToken: Token)).Parameters;
        Assert.Equal(
            ["cpu.time", "cpu.user", "cpu.system", "vcpu.current", "vcpu.maximum", "vcpu.0.state", "vcpu.0.time", "vcpu.1.state", "vcpu.1.time"],
            stats.Select(field => field.Field));
        Assert.Equal(cpus[0].CpuTime!.Value.Ticks * TimeSpan.NanosecondsPerTick, (long)stats[6].AsUInt64());
    }

    [Fact]
    public async Task A_thread_of_another_process_is_nobodys_processor()
    {
        using PrivateDirectory directory = new();
        await using Opened guest = await Opened.StartAsync();
        using Ballast.Drivers.Qemu.QemuProcess process = Ballast.Drivers.Qemu.QemuProcess.Find(guest.Driven.Pid)!;
        Assert.NotNull(process.ReadThread(guest.Driven.Pid));
        foreach (int thread in (int[])[Environment.ProcessId, 1, 0, -1, int.MaxValue])
        {
            Assert.Null(process.ReadThread(thread));
            Assert.Empty(process.ReadAffinity(thread, 4));
        }
    }
}
