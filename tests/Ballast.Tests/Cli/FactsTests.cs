using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Cli;

/// <summary>What the test driver's host and domain cannot show.</summary>
public sealed class FactsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Percentages_are_of_the_time_between_two_looks()
    {
        FakeDriver driver = new();
        driver.CpuTimes.Enqueue([new("kernel", 1000), new("user", 5000), new("idle", 100), new("iowait", 7)]);
        driver.CpuTimes.Enqueue([new("kernel", 1125), new("user", 5250), new("idle", 700), new("iowait", 32)]);
        FakeTimeProvider time = new();
        Task<Outcome> running = CliRun.BallastAsync(
            ["-q", "nodecpustats", "--percent"], (uri, options, _) => new(new Connection(driver, "fake:///", options)), time: time, cancellationToken: Token);
        Assert.False(running.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(
            """
            usage:           37.5%
            user:            25.0%
            system:          12.5%
            idle:            60.0%
            iowait:           2.5%

            """, (await running).Output);
    }

    [Fact]
    public async Task A_virtual_CPU_may_be_known_in_part()
    {
        FakeDomain guest = new("guest", 7)
        {
            VirtualCpus =
            [
                new(0, VirtualCpuState.Running, TimeSpan.FromSeconds(12.25), 3, new CpuSet(4, [0, 1])),
                new(2, VirtualCpuState.Blocked, null, null, CpuSet.Empty),
            ],
        };
        Assert.Equal(
            """
            VCPU:           0
            CPU:            3
            State:          running
            CPU time:       12.2s
            CPU Affinity:   yy--

            VCPU:           2
            CPU:            N/A
            State:          blocked
            CPU Affinity:   ----

            """, (await CliRun.BallastAsync(new FakeDriver(guest), "-q", "vcpuinfo", "guest")).Output);
        Assert.Contains("CPU Affinity:   0-1 (out of 4)\n", (await CliRun.BallastAsync(new FakeDriver(guest), "vcpuinfo guest --pretty")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_inactive_domain_has_the_virtual_CPUs_of_its_definition()
    {
        FakeDriver driver = new(new FakeDomain("off", null) { Affinities = [new CpuSet(4, [0, 2, 3]), new CpuSet(4, [1])] });
        Assert.Equal(
            "VCPU:           0\nCPU:            N/A\nState:          N/A\nCPU time        N/A\nCPU Affinity:   y-yy\n",
            (await CliRun.BallastAsync(driver, "-q", "vcpuinfo", "off")).Output);
        Assert.Equal(" 0   0,2-3\n 1   1\n", (await CliRun.BallastAsync(driver, "-q", "vcpupin", "off")).Output);
        Assert.Equal(" 1   1\n", (await CliRun.BallastAsync(driver, "-q", "vcpupin", "off", "1")).Output);
        Assert.Equal("error: vcpu 2 is out of range of persistent cpu count 2\n", (await CliRun.BallastAsync(driver, "vcpupin off 2")).Error);
        Assert.Equal("error: vcpu -1 is out of range of persistent cpu count 2\n", (await CliRun.BallastAsync(driver, "vcpupin off 4294967295")).Error);
    }

    [Theory]
    [InlineData(DomainControlState.Ok, 0u, "ok")]
    [InlineData(DomainControlState.Job, 0u, "background job (12.345s)")]
    [InlineData(DomainControlState.Occupied, 0u, "occupied (12.345s)")]
    [InlineData(DomainControlState.Error, 0u, "error")]
    [InlineData(DomainControlState.Error, 1u, "error: unknown")]
    [InlineData(DomainControlState.Error, 2u, "error: monitor failure")]
    [InlineData(DomainControlState.Error, 3u, "error: internal (locking) error")]
    public async Task A_busy_monitor_says_for_how_long_and_a_failed_one_why(DomainControlState state, uint details, string text)
    {
        FakeDriver driver = new(new FakeDomain("guest", 7) { Control = new DomainControlInfo(state, details, 12345) });
        Outcome outcome = await CliRun.BallastAsync(driver, "-q", "domcontrol", "guest");
        Assert.Equal((0, $"{text}\n"), (outcome.ExitCode, outcome.Output));
        Assert.Equal(state == DomainControlState.Error, outcome.Error.Contains("guest: never reported", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Waking_a_domain_says_so()
    {
        FakeDriver driver = new(new FakeDomain("guest", 7));
        Assert.Equal("Domain 'guest' successfully woken up\n\n", (await CliRun.BallastAsync(driver, "dompmwakeup guest")).Output);
        Assert.Equal(["wake guest"], driver.Changes);
    }

    [Fact]
    public async Task Limits_are_in_KiB_or_unlimited()
    {
        FakeDriver driver = new(new FakeDomain("guest", 7) { Limits = new DomainMemoryLimits(1048576, null, 2097152) });
        Assert.Equal(
            "hard_limit     : 1048576\nsoft_limit     : unlimited\nswap_hard_limit: 2097152\n", (await CliRun.BallastAsync(driver, "-q", "memtune", "guest")).Output);
    }

    [Theory]
    [InlineData("vcpupin guest 0 1")]
    [InlineData("memtune guest --hard-limit 1G")]
    public async Task What_is_refused_says_who_does_it(string line)
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(new FakeDomain("guest", 7)), line);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("use virsh", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Titles_come_from_the_definition_and_may_not_rule_the_terminal()
    {
        FakeDriver driver = new(
            new FakeDomain("one", 1) { Title = "A <b> \u009b2J" }, new FakeDomain("two", 2));
        Assert.Equal(
            " 1   one   running   A <b> \\xc2\\x9b2J\n 2   two   running   \n", (await CliRun.BallastAsync(driver, "-q", "list", "--title")).Output);
    }
}
