using System.Diagnostics;
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
            Assert.Equal((new TimeSpan(ticks * (TimeSpan.TicksPerSecond / ticksPerSecond)), fields[processor]), (cpu.CpuTime, $"{cpu.HostCpu}"));
        }

        Assert.NotEmpty(cpus[0].Affinity);
        Assert.Equal([last], cpus[1].Affinity);
        Assert.Equal(cpus.Select(cpu => cpu.Affinity), await guest.Domain.GetVirtualCpuAffinitiesAsync(cancellationToken: Token));

        IReadOnlyList<TypedParameter> stats = Assert.Single(await guest.Connection.GetAllDomainStatsAsync(
            DomainStatsGroups.CpuTotal | DomainStatsGroups.Vcpu, cancellationToken: Token)).Parameters;
        Assert.Equal(
            [
                "cpu.time", "cpu.user", "cpu.system", "cpu.cache.monitor.count", "cpu.haltpoll.success.time", "cpu.haltpoll.fail.time",
                "vcpu.current", "vcpu.maximum", "vcpu.0.state", "vcpu.0.time", "vcpu.0.wait", "vcpu.0.delay", "vcpu.1.state", "vcpu.1.time",
                "vcpu.1.wait", "vcpu.1.delay",
            ],
            stats.Select(field => field.Field));
        Assert.Equal(cpus[0].CpuTime!.Value.Ticks * TimeSpan.NanosecondsPerTick, (long)stats[9].AsUInt64());
        Assert.True(stats[11].AsUInt64() > 0, "A thread that the kernel scheduled had to wait for a CPU at least once.");
    }

    /// <summary>Of those that QEMU takes; a line break is another option.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("-smp\n3")]
    [InlineData("-smp\n0x3")]
    [InlineData("-smp\n010")]
    [InlineData("-smp\n+2")]
    [InlineData("-smp\n 2")]
    [InlineData("-smp\ncpus=+3")]
    [InlineData("-smp\ncores= 2")]
    [InlineData("-smp\ncpus=2,maxcpus=8")]
    [InlineData("-smp\nmaxcpus=4")]
    [InlineData("-smp\nsockets=2,cores=3")]
    [InlineData("-smp\nmaxcpus=6,cores=2")]
    [InlineData("-smp\ndies=2,cores=2,threads=2")]
    [InlineData("-smp\n2\n-smp\nmaxcpus=8")]
    [InlineData("-smp\n4\n-smp\nsockets=1,cores=2,threads=2")]
    [InlineData("-M\npc,smp.cpus=3")]
    [InlineData("-smp\n2\n-M\npc,smp.cpus=3")]
    [InlineData("-M\npc,smp.cpus=3\n-smp\n2")]
    [InlineData("-M\npc,smp.sockets=2\n-smp\ncores=2")]
    public async Task The_command_line_says_how_many_there_are(string said)
    {
        string[] arguments = said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await using QemuProcess qemu = await QemuProcess.StartAsync(
            new QemuOptions { Arguments = ["-accel", "tcg,tb-size=1", "-S", "-m", "16", "-nodefaults", "-no-user-config", "-display", "none", .. arguments] }, Token);
        await using OracleMonitor oracle = await OracleMonitor.ConnectAsync(qemu.MonitorPaths[0], cancellationToken: Token);

        Assert.Equal(
            (await oracle.ExecuteAsync("query-cpus-fast", cancellationToken: Token)).GetArrayLength(),
            new Ballast.Drivers.Qemu.Processes.QemuCommandLine(["qemu", .. arguments], null).VirtualCpus.Value);
    }

    [Fact]
    public async Task A_QEMU_that_does_not_answer_has_the_processors_of_its_command_line()
    {
        await using Opened guest = await Opened.StartAsync(
            new DrivenGuestOptions { ExtraArguments = ["-smp", "2,maxcpus=3"] }, timeout: TimeSpan.FromMilliseconds(500));
        await guest.Driven.Process.StopAsync(Token);

        DomainInfo info = await guest.Domain.GetInfoAsync(Token);
        Assert.Equal((DomainState.NoState, 2), (info.State, info.VirtualCpus));
        Assert.Equal("2", (string?)System.Xml.Linq.XElement.Parse(await guest.Domain.GetXmlAsync(cancellationToken: Token)).Element("vcpu"));
    }

    [Fact]
    public async Task A_QEMU_in_a_namespace_of_ids_has_its_threads_found_by_one_walk()
    {
        const int cpus = 24;
        using PrivateDirectory directory = new();
        string path = Path.Combine(directory.Path, "monitor");
        ProcessStartInfo start = new("unshare",
        [
            "--user", "--pid", "--fork", "--kill-child", "qemu-system-x86_64", "-accel", "tcg,tb-size=1", "-S", "-M", "microvm,acpi=off", "-m", "16", "-nodefaults",
            "-no-user-config", "-display", "none", "-smp", $"{cpus}", "-qmp", $"unix:{path},server=on,wait=off",
        ]);
        using Process outer = Process.Start(start)!;
        try
        {
            await Deadline.UntilAsync(Deadline.Default, "its monitor", _ => Task.FromResult(File.Exists(path)), Token);
            await using OracleMonitor oracle = await OracleMonitor.ConnectAsync(path, cancellationToken: Token);
            int[] ids = [.. (await oracle.ExecuteAsync("query-cpus-fast", cancellationToken: Token)).EnumerateArray().Select(cpu => cpu.GetProperty("thread-id").GetInt32())];
            int pid = int.Parse((await File.ReadAllTextAsync($"/proc/{outer.Id}/task/{outer.Id}/children", Token)).Split(' ')[0], CultureInfo.InvariantCulture);
            using Ballast.Drivers.Qemu.Processes.QemuProcess process = Ballast.Drivers.Qemu.Processes.QemuProcess.Find(pid)!;
            Assert.Equal(cpus, ids.Length);
            for (int answer = 0; answer < 2; answer++)
            {
                Ballast.Drivers.Qemu.Processes.QemuProcess.ThreadLook look = process.LookAtThreads(Token);
                Assert.All(ids, id => Assert.NotNull(look.Read(id)));
                Assert.All(ids, id => Assert.NotNull(look.ReadWaiting(id)));
                Assert.All(ids, id => Assert.NotEmpty(look.ReadAffinity(id, 4)));
                Assert.Equal(0, look.Walks - (1 - answer));
                Assert.All((int[])[pid, Environment.ProcessId, 0, -1, int.MaxValue, int.MaxValue - 1], id => Assert.Null(look.Read(id)));
                Assert.Equal(1, look.Walks);
            }
        }
        finally
        {
            outer.Kill(entireProcessTree: true);
            await outer.WaitForExitAsync(Token);
        }
    }

    [Fact]
    public async Task A_thread_of_another_process_is_nobodys_processor()
    {
        using PrivateDirectory directory = new();
        await using Opened guest = await Opened.StartAsync();
        using Ballast.Drivers.Qemu.Processes.QemuProcess process = Ballast.Drivers.Qemu.Processes.QemuProcess.Find(guest.Driven.Pid)!;
        Assert.NotNull(process.LookAtThreads(Token).Read(guest.Driven.Pid));
        foreach (int thread in (int[])[Environment.ProcessId, 1, 0, -1, int.MaxValue])
        {
            Assert.Null(process.LookAtThreads(Token).Read(thread));
            Assert.Empty(process.LookAtThreads(Token).ReadAffinity(thread, 4));
        }
    }
}
