using System.Text.Json;
using Ballast.Balance.Advice;
using Ballast.Drivers.Host;
using Ballast.Guests;
using Ballast.Tests.Balance;
using Ballast.Tests.Cli;
using Ballast.Tests.Rpc;

namespace Ballast.Tests.Integration;

/// <summary>Advice about real Linux guests in a memory control group, through a daemon of ours, followed by hand.</summary>
[Trait("needs", "qemu")]
public sealed class BalanceAdviceGuestTests
{
    private const int WholeMib = 256, SmallMib = 160, LockedMib = 128;
    private const ulong MiB = 1024;

    // Every amount moves a little from look to look: what QEMU itself holds, what guests have free, and whole MiB.
    private const ulong Wobble = 24 * MiB;

    private static readonly string[] WithoutDriver = ["Its balloon driver is not loaded.", "It was started a moment ago and has not reported yet."];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Advice_about_the_guests_of_a_control_group_names_the_giver_and_the_amount_and_harms_nobody()
    {
        using MemoryControlGroup? group = MemoryControlGroup.TryCreate(8L << 30, out string obstacle);
        if (group is null)
        {
            // A container often gets its control groups to look at only: the test below reads files of the same form.
            TestContext.Current.TestOutputHelper?.WriteLine($"No control group can be made here ({obstacle}): a size stands for its limit.");
        }

        string program = group?.Program("qemu-system-x86_64") ?? new LinuxGuestOptions().Program;
        LinuxGuest[] guests = await StartAllAsync(
            Options("allocating", program), Options("cached", program), Options("sharing", program),
            Options("idle", program) with { Balloon = "virtio-balloon-pci,id=balloon0,deflate-on-oom=on" },
            Options("locked", program) with { MemoryMib = LockedMib, Accelerator = "tcg,tb-size=32", ExtraArguments = ["-overcommit", "mem-lock=on"] });
        try
        {
            (LinuxGuest allocating, LinuxGuest cached, LinuxGuest sharing, LinuxGuest idle) = (guests[0], guests[1], guests[2], guests[3]);
            await using ServerFixture server = Serve(guests);
            await using Connection connection = await server.ConnectAsync();
            foreach (Domain domain in await connection.ListDomainsAsync(cancellationToken: Token))
                await domain.SetPeriodAsync(1, cancellationToken: Token);

            // One has too little for what it is to do; two are full of caches and of shared memory; one did something once.
            _ = await RunAsync(server, "setmem", "allocating", $"{SmallMib}M", "--wait");
            _ = await allocating.CommandAsync("alloc 80", cancellationToken: Token);
            _ = await cached.CommandAsync("cache 150", cancellationToken: Token);
            _ = await sharing.CommandAsync("tmpfs 120", cancellationToken: Token);
            _ = await idle.CommandAsync("alloc 130", cancellationToken: Token);
            _ = await idle.CommandAsync("free", cancellationToken: Token);
            string[] before = await CountersAsync(guests);

            Look look = new(server, group);
            await look.AllIsInBalloonsAsync(less: 0);
            await GiveAsync(look, allocating, idle);
            await ShrinkIntoAsync(look);

            // By the guests' own counters: no program was killed, and nobody had to wait for memory.
            Assert.Equal(before, await CountersAsync(guests));
            Assert.All(guests, guest => Assert.False(guest.Process.HasExited));

            // A guest without its driver and one that was reset have what their balloons held: beyond the limit, the kernel would end a QEMU.
            group?.Limit(8L << 30);
            await LeaveAloneAsync(look, connection, cached, idle);
        }
        finally
        {
            foreach (LinuxGuest guest in guests)
                await guest.DisposeAsync();
        }
    }

    /// <summary>Who is short gets nothing before another one gives; who that is, and how much, and what the guests have then.</summary>
    private static async Task GiveAsync(Look look, LinuxGuest allocating, LinuxGuest idle)
    {
        Dictionary<string, JsonElement> advice = await look.AdviseAsync();
        Assert.True(Text(advice["allocating"], "advice") == "wait", string.Join("\n", advice.Values));
        ulong lacking = Number(advice["allocating"], "short_kib");
        Assert.InRange(lacking, 1 * MiB, 120 * MiB);

        // It is short, and gets so much at least.
        lacking = Math.Max(lacking, 32 * MiB);

        // The others have less that holds nothing than a step would take: their caches and shared memory are no cheap gain.
        JsonElement giver = advice["idle"];
        Assert.Equal(("take", "low"), (Text(giver, "advice"), Text(giver, "risk")));
        Assert.Equal("leave", Text(advice["locked"], "advice"));
        ulong taken = Number(giver, "balloon_kib") - Number(giver, "target_kib");
        const ulong step = WholeMib * MiB / 4;
        Assert.InRange(taken, Math.Min(step, lacking) - Math.Min(Wobble, lacking / 2), Math.Min(step, lacking + Wobble));
        if (taken < step - MiB)
            Assert.DoesNotContain(advice.Values, one => Text(one, "advice") == "take" && Text(one.GetProperty("domain"), "name") != "idle");

        // Shared memory is no cache: what is in tmpfs is not offered.
        Assert.InRange(Number(advice["sharing"], "possible_gain_kib"), 0ul, (ulong)(WholeMib - 120 - 32) * MiB);
        await look.FollowAsync(giver);
        advice = await look.AdviseAsync();
        JsonElement receiver = advice["allocating"];
        Assert.Equal("give", Text(receiver, "advice"));
        ulong given = Number(receiver, "target_kib") - Number(receiver, "balloon_kib");
        Assert.InRange(given, taken / 2, taken + Wobble);
        long had = (await allocating.ReadMemoryAsync(Token)).Available;
        await look.FollowAsync(receiver);
        Assert.InRange((await allocating.ReadMemoryAsync(Token)).Available, had + (long)(given * 3 / 4), long.MaxValue);
        Assert.InRange((await idle.ReadMemoryAsync(Token)).Available, 48 * (long)MiB, long.MaxValue);
    }

    /// <summary>The limit falls: step by step, until advice takes nothing more. Then the guests cannot outgrow the group.</summary>
    private static async Task ShrinkIntoAsync(Look look)
    {
        long limit = await look.AllIsInBalloonsAsync(less: 100);
        JsonElement advice = await look.AdviseOnHostAsync();
        Assert.True(Number(advice, "budget_kib") < Number(advice, "balloons_kib"), $"{advice}");
        for (int round = 0; Taken(advice) is { Length: > 0 } taken; round++)
        {
            Assert.InRange(round, 0, 9);
            foreach (JsonElement one in taken)
                await look.FollowAsync(one);
            advice = await look.AdviseOnHostAsync();
        }

        // Of each, what is not worth a change may be left.
        Assert.InRange(Number(advice, "balloons_kib"), 1ul, Number(advice, "budget_kib") + (4 * 16 * MiB));
        if (look.Group is { } group)
        {
            Assert.Equal((ulong)limit / 1024, Number(advice, "memory_kib"));
            Assert.InRange(Number(advice, "balloons_kib") + Number(advice, "overhead_kib"), 1ul, (ulong)limit / 1024);
            Assert.InRange(group.Usage, 1, limit);
        }

        static JsonElement[] Taken(JsonElement advice) => [.. advice.GetProperty("guests").EnumerateArray().Where(one => Text(one, "advice") == "take")];
    }

    /// <summary>One is paused, one loses its driver, one starts anew: each is named, and nothing is advised about it.</summary>
    private static async Task LeaveAloneAsync(Look look, Connection connection, LinuxGuest bare, LinuxGuest booting)
    {
        await (await connection.LookupByNameAsync("sharing", Token)).SuspendAsync(cancellationToken: Token);
        Domain unloaded = await connection.LookupByNameAsync("cached", Token);
        _ = await bare.CommandAsync("unload", cancellationToken: Token);
        await Deadline.UntilAsync(Deadline.Default, "a guest without its driver",
            async token => (await unloaded.GetMemoryStatsAsync(cancellationToken: token)).Reason == MemoryStatsReason.DriverNotLoaded, Token);
        OracleMonitor oracle = await booting.OracleAsync(Token);
        _ = await (await connection.LookupByNameAsync("idle", Token)).RefreshMemoryStatsAsync(cancellationToken: Token);
        _ = await oracle.ExecuteAsync("system_reset", cancellationToken: Token);
        Dictionary<string, JsonElement> advice = await look.AdviseAsync("--period", "1");
        foreach (string name in (string[])["sharing", "cached", "locked"])
            Assert.Equal((name, "leave", JsonValueKind.Null), (name, Text(advice[name], "advice"), advice[name].GetProperty("target_kib").ValueKind));
        Assert.Equal("It is paused.", Text(advice["sharing"], "reason"));
        Assert.Matches("^Resume it: ballast -c .* resume sharing$", Text(advice["sharing"], "remedy"));
        Assert.Contains(Text(advice["cached"], "reason"), WithoutDriver);
        Assert.StartsWith("Its memory is locked:", Text(advice["locked"], "reason"), StringComparison.Ordinal);

        // Its target outlives the reset: a system that starts gets back what the one before did without, if there is room for it.
        if (Text(advice["idle"], "advice") == "give")
            Assert.StartsWith("It was reset", Text(advice["idle"], "reason"), StringComparison.Ordinal);
        else
            Assert.Contains((Text(advice["idle"], "advice"), Text(advice["idle"], "reason")), ((string[])["It was reset and has not reported since.", .. WithoutDriver]).Select(reason => ("leave", reason)));
        Assert.NotEqual("leave", Text(advice["allocating"], "advice"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Advice_is_within_the_limit_that_a_control_groups_files_tell(bool isOld) => AdviseOnFiles(600L << 20, isOld);

    // Two QEMUs as the kernel tells of them, the guest of one of which has nothing to do.
    private static void AdviseOnFiles(long limit, bool isOld)
    {
        const int busyPid = 4711, idlePid = 4712;
        const ulong resident = WholeMib + 80;
        double mib = limit >> 20;
        using PrivateDirectory root = new();
        string directory = isOld ? "sys/fs/cgroup/memory" : "sys/fs/cgroup";
        foreach (int pid in (int[])[busyPid, idlePid])
        {
            Write($"proc/{pid}/cgroup", isOld ? "4:memory:/vms\n0::/" : "0::/vms");
            Write($"proc/{pid}/status", "VmSwap:\t0 kB\nVmLck:\t0 kB\nVmPin:\t0 kB\nHugetlbPages:\t0 kB");
        }

        Write("proc/meminfo", "MemTotal: 8388608 kB\nMemFree: 4194304 kB\nMemAvailable: 6291456 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB");
        if (isOld)
            Write($"{directory}/memory.limit_in_bytes", "9223372036854771712");
        Write($"{directory}/vms/{(isOld ? "memory.limit_in_bytes" : "memory.max")}", $"{limit}");
        Write($"{directory}/vms/{(isOld ? "memory.usage_in_bytes" : "memory.current")}", $"{limit - (8 << 20)}");
        AdviceGuest busy = Guest("busy", busyPid, used: 200), idle = Guest("quiet", idlePid, used: 40);
        HostMemory host = new HostNode(root.Path).HostMemory("vms");
        Advisor advisor = new(budget: new BudgetSetting(ControlGroup: "vms"));
        advisor.Learn(new SeenHost(host, [busy.See(0), idle.See(0)]), 0);
        HostAdvice advice = advisor.Advise(new SeenHost(host, [busy.See(10), idle.See(10)]), 10);
        Assert.Equal((mib, 2.0 * 80, 2.0 * WholeMib), (advice.Host.Memory, advice.Host.Overhead, advice.Balloons));
        Assert.InRange(advice.Budget, 1, mib - 160);
        Assert.Contains(advice.Guests, one => one.Kind == AdviceKind.Take && one.Guest.Domain.Name == "quiet");

        AdviceGuest Guest(string name, int pid, ulong used) => new(name)
        {
            Balloon = WholeMib,
            Maximum = WholeMib,
            Resident = resident,
            Used = used,
            Process = new ProcessMemoryFiles(root.Path).Read(pid, 0) with { ReportsFreePages = false, DeflatesOnOom = true, RunTime = TimeSpan.FromHours(1), MergedKiB = 0 },
        };

        void Write(string file, string text)
        {
            string path = root.File(file);
            _ = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text + "\n");
        }
    }

    private static LinuxGuestOptions Options(string name, string program) => new() { Name = name, MemoryMib = WholeMib, Program = program };

    /// <summary>All boot side by side.</summary>
    private static async Task<LinuxGuest[]> StartAllAsync(params LinuxGuestOptions[] options)
    {
        Task<LinuxGuest>[] starting = [.. options.Select(one => LinuxGuest.StartAsync(one, Token))];
        try
        {
            return await Task.WhenAll(starting);
        }
        catch
        {
            foreach (Task<LinuxGuest> one in starting.Where(one => one.IsCompletedSuccessfully))
                await (await one).DisposeAsync();
            throw;
        }
    }

    private static ServerFixture Serve(LinuxGuest[] guests) => ServerFixture.Start(
        Connection.OpenMonitors([.. guests.Select(guest => guest.MonitorPath)], [], new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }));

    /// <summary>Asks for advice, within the control group or, where none can be made, within a size.</summary>
    private sealed class Look(ServerFixture server, MemoryControlGroup? group)
    {
        private string _budget = "8G";

        public MemoryControlGroup? Group => group;

        /// <summary>Makes the limit so that guests may share what they have, less some MiB.</summary>
        /// <returns>The limit in bytes.</returns>
        public async Task<long> AllIsInBalloonsAsync(int less)
        {
            const double reserve = 0.05;
            JsonElement advice = await AdviseOnHostAsync();
            ulong balloons = Number(advice, "balloons_kib") - ((ulong)less * MiB), overhead = Number(advice, "overhead_kib");
            if (group is null)
            {
                _budget = $"{balloons}KiB";
                return (long)balloons * 1024;
            }

            Assert.InRange(overhead, 5 * 64 * MiB, 800 * MiB);
            return group.Lower((long)((balloons + overhead) / (1 - reserve) * 1024));
        }

        public async Task<JsonElement> AdviseOnHostAsync(params string[] more)
        {
            string[] budget = group is null ? ["--budget", _budget] : ["--cgroup", group.Path];
            string[] period = more.Contains("--period") ? [] : ["--period", "2"];
            return JsonDocument.Parse(await RunAsync(server, ["balance", "advise", "--json", .. budget, .. period, .. more])).RootElement;
        }

        public async Task<Dictionary<string, JsonElement>> AdviseAsync(params string[] more) =>
            (await AdviseOnHostAsync(more)).GetProperty("guests").EnumerateArray()
                .ToDictionary(guest => guest.GetProperty("domain").GetProperty("name").GetString()!);

        /// <summary>Does what the command says, but over the connection of this test.</summary>
        public async Task FollowAsync(JsonElement advice)
        {
            string[] words = Text(advice, "command").Split(' ');
            Assert.Equal(["ballast", "-c"], words[..2]);
            _ = await RunAsync(server, words[3..]);
        }
    }

    private static async Task<string> RunAsync(ServerFixture server, params string[] words)
    {
        Outcome outcome = await CliRun.BallastAsync(["-q", .. words], (_, options, _) => server.ConnectAsync(options));
        Assert.Equal(("", 0), (outcome.Error, outcome.ExitCode));
        return outcome.Output;
    }

    private static async Task<string[]> CountersAsync(LinuxGuest[] guests)
    {
        List<string> counters = [];
        foreach (LinuxGuest guest in guests)
        {
            string[] all = (await guest.CommandAsync("pressure", cancellationToken: Token)).Split(' ');
            counters.Add(string.Join(' ', all.Where(word => word.StartsWith("oom_kill", StringComparison.Ordinal) || word.StartsWith("allocstall", StringComparison.Ordinal))));
        }

        return [.. counters];
    }

    private static string Text(JsonElement json, string member) => json.GetProperty(member).GetString() ?? "";

    private static ulong Number(JsonElement json, string member) => json.GetProperty(member).GetUInt64();
}
