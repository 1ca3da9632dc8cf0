using System.Text.Json;
using Ballast.Cli;
using Ballast.Tests.Cli.Top;

namespace Ballast.Tests.Cli;

/// <summary>One command that asks several hosts, each named by <c>-c</c>.</summary>
public sealed class SeveralHostsTests
{
    private const string One = "one:///", Two = "two:///", Dead = "dead:///", Alias = "first", Place = "qmp:///nosuch/place", Silent = "silent:///", Hung = "hung:///";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_guests_of_all_hosts_are_in_one_table_by_pressure_and_a_host_that_fails_is_a_line()
    {
        Outcome outcome = await RunAsync([One, Two, Dead], "memory");
        Assert.Equal((1, "error: dead:///: nobody listens\n"), (outcome.ExitCode, outcome.Error));
        string[] lines = outcome.Output.Split('\n');
        Assert.Matches("^Domain +Host +Used / guest", lines[0]);
        Assert.Equal(["full two:///", "web one:///", "db two:///"], lines.Skip(1).Take(3).Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[..2])));
        Assert.Contains("Total of 3 guests", outcome.Output, StringComparison.Ordinal);

        JsonElement json = JsonDocument.Parse((await RunAsync([One, Two], "memory", "--json")).Output).RootElement;
        Assert.Equal([Two, One, Two], json.GetProperty("domains").EnumerateArray().Select(guest => guest.GetProperty("connection").GetString()));
        Assert.StartsWith("connection,name,", (await RunAsync([One, Two], "memory", "--csv")).Output, StringComparison.Ordinal);

        // One host has nothing of all that.
        Assert.DoesNotContain("connection", (await RunAsync([One], "memory", "--json")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Host", (await RunAsync([One], "memory")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("memory", 1)]
    [InlineData("list", 1)]
    [InlineData("doctor", 2)]
    public async Task Where_no_host_answers_nothing_is_shown(string command, int exitCode)
    {
        Outcome outcome = await RunAsync([Dead, "dead:///x"], command);
        Assert.Equal((exitCode, ""), (outcome.ExitCode, outcome.Output.Trim('\n')));
        Assert.Equal("error: dead:///: nobody listens\nerror: dead:///x: nobody listens\n", outcome.Error);
    }

    [Fact]
    public async Task The_list_names_the_host_of_each_domain()
    {
        Outcome outcome = await RunAsync([One, Two, Dead], "list");
        Assert.Equal((1, "error: dead:///: nobody listens\n"), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"\A Host +Id +Name +State\n-+\n one:/// +1 +web +running\n two:/// +2 +full +running\n two:/// +3 +db +running\n", outcome.Output);
        Assert.Equal("one:/// web\ntwo:/// full\ntwo:/// db\n\n", (await RunAsync([One, Two], "list", "--name")).Output);
        JsonElement json = JsonDocument.Parse((await RunAsync([One, Two], "list", "--json")).Output).RootElement;
        Assert.Equal([One, Two, Two], json.EnumerateArray().Select(guest => guest.GetProperty("connection").GetString()));
    }

    [Fact]
    public async Task The_doctor_finds_the_worst_of_all_hosts_first()
    {
        Outcome outcome = await RunAsync([One, Two, Dead], "doctor");
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Error));
        string[] lines = [.. outcome.Output.Split('\n').Where(line => line.Length > 0 && line[0] != ' ')];
        Assert.Equal("error: dead:///: connection: nobody listens", lines[0]);
        Assert.StartsWith("warning: two:///: full: uses 98 % of", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("1 guest, one:///; asked: ", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("2 guests, two:///; asked: ", lines[3], StringComparison.Ordinal);
        Assert.Equal("2 to fix at 3 hosts, 1 of which did not answer.", lines[4]);
        Assert.EndsWith("\n1 to fix at 2 hosts.\n\n", (await RunAsync([One, Two], "doctor")).Output, StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse((await RunAsync([One, Two, Dead], "doctor", "--json")).Output).RootElement;
        Assert.Equal([(Dead, "not asked"), (Two, "ballooned too far"), (One, "asked"), (Two, "asked")], json.EnumerateArray().Select(
            finding => (finding.GetProperty("connection").GetString(), finding.GetProperty("check").GetString())));
    }

    [Fact]
    public async Task A_domain_is_found_at_whichever_host_has_it()
    {
        Outcome found = await RunAsync([One, Two], "-q memory db web");
        Assert.Equal((0, ""), (found.ExitCode, found.Error));
        Assert.Equal(["web", "db"], found.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]));
        Outcome missing = await RunAsync([One, Two], "memory", "db", "nosuch");
        Assert.Equal((1, "", "error: failed to get domain 'nosuch' of any host\n"), (missing.ExitCode, missing.Output.Trim('\n'), missing.Error));
    }

    [Fact]
    public async Task What_hosts_answer_about_named_guests_is_shown_though_another_host_does_not_answer()
    {
        const string missing = "error: failed to get domain 'nosuch' of any host that answered\n";
        Outcome memory = await RunAsync([One, Two, Dead], "-q memory db nosuch nosuch");
        Assert.Equal((1, $"error: dead:///: nobody listens\n{missing}"), (memory.ExitCode, memory.Error));
        Assert.StartsWith("db ", memory.Output, StringComparison.Ordinal);

        Outcome doctor = await RunAsync([One, Dead], "doctor", "web", "nosuch");
        Assert.Equal((1, missing), (doctor.ExitCode, doctor.Error));
        Assert.StartsWith("error: dead:///: connection: nobody listens\n", doctor.Output, StringComparison.Ordinal);
        Assert.Contains("\n1 guest, one:///; asked: ", doctor.Output, StringComparison.Ordinal);
        Outcome nobody = await RunAsync([One, Two], "doctor", "web", "nosuch");
        Assert.Equal((2, "", "error: failed to get domain 'nosuch' of any host\n"), (nobody.ExitCode, nobody.Output.Trim('\n'), nobody.Error));
    }

    [Fact]
    public async Task A_host_without_the_named_guests_is_no_host_without_guests()
    {
        Outcome outcome = await RunAsync([One, Place], "doctor", "web");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.StartsWith("1 guest, one:///; asked: ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains($"\nnone of them, {Place}; asked: ", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("\nNothing is wrong at 2 hosts.\n\n", outcome.Output, StringComparison.Ordinal);

        // All of them are asked for, and there is none.
        Outcome whole = await RunAsync([One, Place], "doctor");
        Assert.Equal(1, whole.ExitCode);
        Assert.StartsWith($"warning: {Place[6..]}: connection: no QEMU's monitor socket was found at {Place[6..]}\n", whole.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_host_by_another_name_is_asked_once()
    {
        Outcome memory = await RunAsync([Alias, Two, One], "-q memory --json");
        Assert.Equal((0, ""), (memory.ExitCode, memory.Error));
        Assert.Equal([Two, One, Two], JsonDocument.Parse(memory.Output).RootElement.GetProperty("domains").EnumerateArray().Select(
            guest => guest.GetProperty("connection").GetString()));
        JsonElement doctor = JsonDocument.Parse((await RunAsync([Alias, One, Two], "doctor", "--json")).Output).RootElement;
        Assert.Equal([Two, One, Two], doctor.EnumerateArray().Select(finding => finding.GetProperty("connection").GetString()));
        Assert.EndsWith("\nNothing is wrong at 1 host.\n\n", (await RunAsync([One, Alias], "doctor")).Output, StringComparison.Ordinal);
    }

    // By two sockets of one daemon, or from here and from there: its guests would count twice in every sum.
    [Theory]
    [InlineData("a", "a", 2, 1, true)]
    [InlineData("a", "b", 2, 1, false)]
    [InlineData("a", "a", 3, 1, false)]
    [InlineData("a", "a", 2, 9, false)]
    [InlineData(null, null, 2, 1, false)]
    public async Task The_same_guests_by_another_URI_are_shown_once(string? host, string? otherHost, int other, int otherId, bool isSame)
    {
        Dictionary<string, FakeDriver> drivers = new()
        {
            [One] = new(TopWorld.Guest("web", 1), TopWorld.Guest("db", 2)) { HostName = host },
            [Two] = new([TopWorld.Guest("web", otherId), TopWorld.Guest("db", 2), .. Enumerable.Range(3, other - 2).Select(id => TopWorld.Guest("more", id))]) { HostName = otherHost },
        };
        foreach (string command in new[] { "memory", "list", "doctor", "top --count 1" })
        {
            // Of this host itself, whose QEMUs doctor looks for, nothing is known.
            Outcome outcome = await CliRun.BallastAsync(
                ["-c", One, "-c", Two, .. command.Split(' ')],
                (uri, options, _) => new(new Connection(drivers.GetValueOrDefault(uri!) ?? new FakeDriver(), uri!, options)),
                procPath: "/nonexistent", cancellationToken: Token);
            Assert.Equal((0, ""), (outcome.ExitCode, command == "top --count 1" ? "" : outcome.Error));
            Assert.Contains(One, outcome.Output, StringComparison.Ordinal);
            Assert.Equal(!isSame, outcome.Output.Contains(Two, StringComparison.Ordinal));
        }
    }

    // libvirt's daemon numbers its domains, and ballastd gives the process. Clones may have the same UUIDs, on hosts of the same name.
    [Theory]
    [InlineData("host", "qemu+unix:///system?socket=/o", "web db", 1)]
    [InlineData("host", "qemu+unix:///system?socket=/o", "web db more", 2)]
    [InlineData("host", "qemu+unix:///system?socket=/o", "web", 1)]
    [InlineData("host", "qemu+unix:///system?socket=/o", "web other", 0)]
    [InlineData("host", "qmp:///run/o", "web db", 1)]
    [InlineData("other", "qemu+unix:///system?socket=/o", "web db", 0)]
    [InlineData("host", "qemu+tcp://far:1/system", "web db", 0)]
    public async Task The_same_guests_by_libvirts_daemon_and_ballastd_are_shown_once(string host, string otherUri, string others, int shown)
    {
        const string first = "qemu+unix:///system?socket=/libvirt";
        FakeDomain[] all = [TopWorld.Guest("web", 1), TopWorld.Guest("db", 2), TopWorld.Guest("more", 3), TopWorld.Guest("other", 4)];
        FakeDriver libvirt = new([.. all.Take(2), new FakeDomain("off", null)]) { HostName = "host", DaemonVersion = null };
        FakeDriver ballastd = new([.. all.Where(guest => others.Split(' ').Contains(guest.Name)).Select(guest => guest with { Identity = new(guest.Name, guest.Identity.Uuid, 4000 + guest.Id) })])
        {
            HostName = host,
            DaemonVersion = otherUri.StartsWith("qmp", StringComparison.Ordinal) ? null : CliProgram.Version,
        };
        foreach (string command in (string[])["memory --json", "doctor --json", "list --json", "list --all --json", "top --count 1"])
        {
            foreach (bool isTurned in (bool[])[false, true])
            {
                string[] uris = isTurned ? [otherUri, first] : [first, otherUri];
                Outcome outcome = await CliRun.BallastAsync(
                    ["-c", uris[0], "-c", uris[1], .. command.Split(' ')], (uri, options, _) => new(new Connection(uri == first ? libvirt : ballastd, uri!, options)),
                    procPath: "/nonexistent", cancellationToken: Token);
                bool hasFirst = outcome.Output.Contains("socket=/libvirt", StringComparison.Ordinal), hasOther = outcome.Output.Contains(otherUri[^9..], StringComparison.Ordinal);
                if (command == "top --count 1")
                {
                    Assert.Equal(shown == 0 ? 2 : 1, outcome.Output.Split("web").Length - 1);
                    continue;
                }

                // Only libvirt's daemon knows what does not run; of the same guests, who was named first shows them.
                bool isAll = command.Contains("--all", StringComparison.Ordinal);
                bool isSmaller = others == "web", isLarger = shown == 2;
                Assert.Equal(
                    shown == 0 || (isAll && isLarger) ? (true, true) : isAll || isSmaller || (!isLarger && !isTurned) ? (true, false) : (false, true), (hasFirst, hasOther));
                Assert.Equal(isAll, outcome.Output.Contains("\"off\"", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public async Task Below_the_table_guests_that_are_not_summed_have_their_host()
    {
        Outcome outcome = await RunAsync([One, Silent], "memory");
        Assert.Contains("\nNot in the total: web at silent:/// (", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("\nNot in the total: web (", (await RunAsync([Silent], "memory")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_hangs_delays_no_table_of_the_others()
    {
        // Each table would take the patience with a host, five seconds.
        Outcome outcome = await RunAsync([One, Hung], "top", "--batch", "--delay", "1", "--count", "3").WaitAsync(TimeSpan.FromSeconds(12), Token);
        Assert.Equal((1, string.Concat(Enumerable.Repeat("error: hung:///: it has not answered yet\n", 3))), (outcome.ExitCode, outcome.Error));
        Assert.Equal(3, outcome.Output.Split('\n').Count(line => line.StartsWith("web ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Doctor_says_that_ballastd_has_another_version()
    {
        string uri = "qemu+unix:///system?socket=/x";
        Outcome other = await DoctorAsync(new FakeDriver { DaemonVersion = "9.8.7" }), same = await DoctorAsync(new FakeDriver { DaemonVersion = CliProgram.Version });
        Assert.StartsWith($"note: connection: ballastd is of version 9.8.7, and ballast of version {CliProgram.Version}: ", other.Output, StringComparison.Ordinal);
        Assert.Contains("asked: ballastd 9.8.7, which answered in ", other.Output, StringComparison.Ordinal);
        Assert.StartsWith($"Nothing is wrong: no guest runs, {uri}; asked: ballastd {CliProgram.Version}, which answered in ", same.Output, StringComparison.Ordinal);
        Assert.Equal((0, 0), (other.ExitCode, same.ExitCode));

        Task<Outcome> DoctorAsync(FakeDriver driver) => CliRun.BallastAsync(
            ["-c", uri, "doctor"], (_, options, _) => new(new Connection(driver, uri, options)), procPath: "/nonexistent", cancellationToken: Token);
    }

    private static Task<Outcome> RunAsync(string[] uris, params string[] words)
    {
        string[] all = words is [var line] && line.StartsWith("-q ", StringComparison.Ordinal) ? line.Split(' ') : words;
        Dictionary<string, FakeDriver> drivers = new()
        {
            [One] = new(TopWorld.Guest("web", 1, used: 700)),
            [Two] = new(TopWorld.Guest("full", 2, used: 1000), TopWorld.Guest("db", 3, used: 300)),
            [Place] = new(),
            [Silent] = new(TopWorld.Guest("web", 4, used: null)),
        };
        return CliRun.BallastAsync(
            [.. uris.SelectMany(uri => (string[])["-c", uri]), .. all],
            async (uri, options, token) =>
            {
                if (uri == Hung)
                    await Task.Delay(Timeout.Infinite, token);
                string meant = uri == Alias ? One : uri!;
                return drivers.TryGetValue(meant, out FakeDriver? driver) ? new Connection(driver, meant, options)
                    : throw LibvirtError.Report(ErrorCode.SystemError, ErrorOrigin.Rpc, "nobody listens");
            },
            procPath: "/nonexistent", cancellationToken: Token);
    }
}
