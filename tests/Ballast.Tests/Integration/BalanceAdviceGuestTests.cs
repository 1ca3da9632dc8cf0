using System.Text.Json;
using Ballast.Balance.Advice;
using Ballast.Drivers.Host;
using Ballast.Guests;
using Ballast.Tests.Balance;
using Ballast.Tests.Cli;
using Ballast.Tests.Rpc;

namespace Ballast.Tests.Integration;

/// <summary>Advice about real Linux guests, through a daemon of ours, followed by hand.</summary>
[Trait("needs", "qemu")]
public sealed class BalanceAdviceGuestTests
{
    private const int WholeMib = 256, SmallMib = 160;
    private const ulong MiB = 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_right_giver_gives_the_right_amount_and_nobody_is_harmed()
    {
        await using LinuxGuest allocating = await StartAsync("allocating");
        await using LinuxGuest cached = await StartAsync("cached");
        await using LinuxGuest sharing = await StartAsync("sharing");
        await using LinuxGuest idle = await StartAsync("idle", balloon: "virtio-balloon-pci,id=balloon0,deflate-on-oom=on");
        LinuxGuest[] guests = [allocating, cached, sharing, idle];
        await using ServerFixture server = Serve(guests);
        await using Connection connection = await server.ConnectAsync();
        foreach (Domain domain in await connection.ListDomainsAsync(cancellationToken: Token))
            await domain.SetPeriodAsync(1, cancellationToken: Token);

        // One has too little for what it is to do; the others have caches, shared memory, or nothing to do.
        _ = await RunAsync(server, "setmem", "allocating", $"{SmallMib}M", "--wait");
        _ = await allocating.CommandAsync("alloc 80", cancellationToken: Token);
        _ = await cached.CommandAsync("cache 120", cancellationToken: Token);
        _ = await sharing.CommandAsync("tmpfs 100", cancellationToken: Token);
        string[] before = await CountersAsync(guests);

        // All that there is, is in their balloons: who is short gets nothing before another one gives.
        string budget = $"{(3 * WholeMib) + SmallMib}M";
        Dictionary<string, JsonElement> advice = await AdviseAsync(server, budget);
        Assert.Equal("wait", Text(advice["allocating"], "advice"));
        ulong lacking = Number(advice["allocating"], "short_kib");
        Assert.InRange(lacking, 16 * MiB, 120 * MiB);
        JsonElement giver = Assert.Single(advice.Values, one => Text(one, "advice") == "take");

        // Whose memory is cache, or is shared, has none to give that holds nothing. Its free memory is another matter: of those at low
        // risk, who gives the host most comes first, which is a matter of how much each QEMU holds.
        Assert.Equal("low", Text(giver, "risk"));
        LinuxGuest gave = guests[Array.IndexOf(["allocating", "cached", "sharing", "idle"], Text(giver.GetProperty("domain"), "name"))];
        Assert.NotSame(allocating, gave);
        long unused = (await gave.ReadMemoryAsync(Token)).Free;
        ulong taken = Number(giver, "balloon_kib") - Number(giver, "target_kib");
        Assert.InRange(taken, 16 * MiB, lacking + (2 * MiB));
        Assert.InRange(unused, (long)taken - (8 * (long)MiB), long.MaxValue);
        Assert.Contains(Text(advice["idle"], "risk"), (string[])["low", "none"]);

        // Shared memory is no cache: what is in tmpfs is not offered.
        Assert.True(Number(advice["sharing"], "possible_gain_kib") + (80 * MiB) < Number(advice["cached"], "possible_gain_kib") + (120 * MiB));

        await FollowAsync(server, giver);
        advice = await AdviseAsync(server, budget);
        Assert.Equal("give", Text(advice["allocating"], "advice"));
        ulong given = Number(advice["allocating"], "target_kib") - Number(advice["allocating"], "balloon_kib");
        Assert.InRange(given, 12 * MiB, taken);
        await FollowAsync(server, advice["allocating"]);

        // By the guests' own counters: no program was killed, nobody had to wait for memory, and who gave has plenty.
        Assert.Equal(before, await CountersAsync(guests));
        Assert.InRange((await gave.ReadMemoryAsync(Token)).Available, 48 * (long)MiB, long.MaxValue);
    }

    [Fact]
    public async Task Advice_keeps_the_guests_of_a_control_group_within_its_limit()
    {
        // More than both QEMUs hold now, and less than their guests may take.
        const long limit = 600L << 20;
        using MemoryControlGroup? group = MemoryControlGroup.TryCreate(limit, out string obstacle);
        if (group is null)
        {
            // A container often gets its control groups to look at only.
            TestContext.Current.TestOutputHelper?.WriteLine($"No control group can be made here ({obstacle}): files of the same form stand for it.");
            foreach (bool isOld in (bool[])[false, true])
                AdviseOnFiles(limit, isOld);
            return;
        }

        string program = group.Program("qemu-system-x86_64");
        await using LinuxGuest busy = await StartAsync("busy", program: program);
        await using LinuxGuest idle = await StartAsync("idle", program: program);
        await using ServerFixture server = Serve([busy, idle]);
        await using Connection connection = await server.ConnectAsync();
        foreach (Domain domain in await connection.ListDomainsAsync(cancellationToken: Token))
            await domain.SetPeriodAsync(1, cancellationToken: Token);
        _ = await busy.CommandAsync("alloc 60", cancellationToken: Token);
        string[] before = await CountersAsync([busy, idle]);
        JsonElement advice = await AdviseOnGroupAsync(server, group);
        Assert.Equal((ulong)limit / 1024, Number(advice, "memory_kib"));
        Assert.InRange(Number(advice, "overhead_kib"), 2 * 64 * MiB, 400 * MiB);
        Assert.Equal(2 * WholeMib * MiB, Number(advice, "balloons_kib"));
        Assert.True(Number(advice, "budget_kib") < Number(advice, "balloons_kib"), $"{advice}");
        Assert.Contains(advice.GetProperty("guests").EnumerateArray(), one => Text(one, "advice") == "take");

        // Step by step, until it advises nobody to take anything: then they cannot outgrow the group.
        for (int round = 0; Taken(advice) is { Length: > 0 } taken; round++)
        {
            Assert.InRange(round, 0, 9);
            foreach (JsonElement one in taken)
                await FollowAsync(server, one);
            advice = await AdviseOnGroupAsync(server, group);
        }

        // Of each, what is not worth a change may be left.
        Assert.InRange(Number(advice, "balloons_kib"), 1ul, Number(advice, "budget_kib") + (2 * 16 * MiB));
        Assert.InRange(Number(advice, "balloons_kib") + Number(advice, "overhead_kib"), 1ul, (ulong)limit / 1024);
        Assert.Equal(before, await CountersAsync([busy, idle]));
        Assert.InRange(group.Usage, 1, limit);
        Assert.False(busy.Process.HasExited || idle.Process.HasExited);

        static JsonElement[] Taken(JsonElement advice) => [.. advice.GetProperty("guests").EnumerateArray().Where(one => Text(one, "advice") == "take")];
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Advice_is_within_the_limit_that_a_control_groups_files_tell(bool isOld) => AdviseOnFiles(600L << 20, isOld);

    [Fact]
    public async Task Guests_that_cannot_be_advised_about_are_named_and_left_alone()
    {
        await using LinuxGuest paused = await StartAsync("paused");
        await using LinuxGuest bare = await StartAsync("bare", loadDriver: false);
        await using LinuxGuest locked = await StartAsync("locked", extra: ["-overcommit", "mem-lock=on"]);
        await using LinuxGuest booting = await StartAsync("booting");
        await using ServerFixture server = Serve([paused, bare, locked, booting]);
        await using Connection connection = await server.ConnectAsync();
        foreach (Domain domain in await connection.ListDomainsAsync(cancellationToken: Token))
            await domain.SetPeriodAsync(1, cancellationToken: Token);
        await (await connection.LookupByNameAsync("paused", Token)).SuspendAsync(cancellationToken: Token);

        // It starts anew, and is stopped before its driver could report.
        OracleMonitor oracle = await booting.OracleAsync(Token);
        _ = await (await connection.LookupByNameAsync("booting", Token)).RefreshMemoryStatsAsync(cancellationToken: Token);
        _ = await oracle.ExecuteAsync("system_reset", cancellationToken: Token);

        Dictionary<string, JsonElement> advice = await AdviseAsync(server, "300M", "--period", "1");
        Assert.All(advice.Values, one => Assert.Equal(("leave", JsonValueKind.Null), (Text(one, "advice"), one.GetProperty("target_kib").ValueKind)));
        Assert.Equal("It is paused.", Text(advice["paused"], "reason"));

        // For a minute it may still boot.
        string[] withoutDriver = ["Its balloon driver is not loaded.", "It was started a moment ago and has not reported yet."];
        Assert.Contains(Text(advice["bare"], "reason"), withoutDriver);
        Assert.StartsWith("Its memory is locked:", Text(advice["locked"], "reason"), StringComparison.Ordinal);
        Assert.Contains(Text(advice["booting"], "reason"), (string[])["It was reset and has not reported since.", .. withoutDriver]);
    }

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

    private static async Task<JsonElement> AdviseOnGroupAsync(ServerFixture server, MemoryControlGroup group) =>
        JsonDocument.Parse(await RunAsync(server, "balance", "advise", "--json", "--cgroup", group.Path)).RootElement;

    private static Task<LinuxGuest> StartAsync(string name, string? balloon = null, bool loadDriver = true, string[]? extra = null, string? program = null) => LinuxGuest.StartAsync(
        new LinuxGuestOptions
        {
            Name = name,
            MemoryMib = WholeMib,
            Balloon = balloon ?? "virtio-balloon-pci,id=balloon0",
            LoadDriver = loadDriver,
            ExtraArguments = extra ?? [],
            Program = program ?? new LinuxGuestOptions().Program,
        }, Token);

    private static ServerFixture Serve(LinuxGuest[] guests) => ServerFixture.Start(
        Connection.OpenMonitors([.. guests.Select(guest => guest.MonitorPath)], [], new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }));

    private static async Task<Dictionary<string, JsonElement>> AdviseAsync(ServerFixture server, string budget, params string[] more)
    {
        string json = await RunAsync(server, ["balance", "advise", "--json", "--budget", budget, .. more]);
        return JsonDocument.Parse(json).RootElement.GetProperty("guests").EnumerateArray()
            .ToDictionary(guest => guest.GetProperty("domain").GetProperty("name").GetString()!);
    }

    /// <summary>Does what the command says, but over the connection of this test.</summary>
    private static async Task FollowAsync(ServerFixture server, JsonElement advice)
    {
        string[] words = Text(advice, "command").Split(' ');
        Assert.Equal(["ballast", "-c"], words[..2]);
        _ = await RunAsync(server, words[3..]);
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
