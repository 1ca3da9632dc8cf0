using System.Text.Json;
using System.Text.RegularExpressions;
using Ballast.Cli;
using Ballast.Drivers;
using Ballast.Guests;

namespace Ballast.Tests.Cli;

/// <summary>Commands that go on until they are stopped, and whose connection is lost.</summary>
public sealed class LostConnectionTests : IDisposable
{
    internal const string Again = "fake:///: connected again; nothing was seen for ";
    internal const string NotYet = "fake:///: not connected yet: nobody listens\n";
    internal const string Lost = "warning: fake:///: internal error: client socket is closed; trying to connect again\n";

    internal static readonly Guid Uuid = new("0aa785e5-5582-8783-b976-10ebbebb45dc"), Another = new("1aa785e5-5582-8783-b976-10ebbebb45dc");

    private readonly PrivateDirectory _directory = new();
    private readonly List<string?> _opened = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_watch_goes_on_with_the_domain_of_that_UUID_and_says_for_how_long_nothing_was_seen(bool isQuiet)
    {
        ConnectionOpener open = Opener(() => Losing(Guest(), 2), Away, Away, () => new FakeDriver(Guest("guest", Another, 2), Guest("renamed")));
        Outcome outcome = await RunAsync(open, [.. isQuiet ? (string[])["-q"] : [], "watch", "guest", "--json", "--count", "4"]);
        Assert.Equal(["guest", "guest", "renamed", "renamed"], Documents(outcome.Output).Select(line => line.GetProperty("domain").GetProperty("name").GetString()));
        Assert.All(Documents(outcome.Output), line => Assert.Equal(Uuid, line.GetProperty("domain").GetProperty("uuid").GetGuid()));
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal([null, "fake:///", "fake:///", "fake:///"], _opened);
        if (isQuiet)
            Assert.Equal("", outcome.Error);
        else
            Assert.Matches($"^{Regex.Escape(Lost + NotYet + Again)}[^\n]*\n$", outcome.Error);
    }

    [Fact]
    public async Task It_does_not_wait_for_the_next_sample_to_see_that_the_connection_is_lost()
    {
        TaskCompletionSource<LibvirtException> loss = new();
        FakeDriver first = new(Guest()) { Lost = loss.Task };
        await using LiveRun run = LiveRun.Start(["-q", "watch", "guest", "--period", "86400"], Token, Opener(() => first, () => new FakeDriver(Guest())));
        await run.UntilAsync("sample", now => now.Lines.Length == 1, Token);
        first.IsAlive = false;
        loss.SetResult(Closed());
        await run.UntilAsync("another connection", _ => _opened.Count == 2, Token);
        Assert.Equal((CliProgram.Interrupted, 1), ((await run.InterruptAsync()).ExitCode, run.Lines.Length));
    }

    [Theory]
    [InlineData(0, "error: domain 'guest' has ended\n")]
    [InlineData(null, "error: domain 'guest' has ended while the connection was lost\n")]
    [InlineData(7, "error: domain 'guest' has ended, and was started again while the connection was lost\n")]
    public async Task A_domain_that_is_gone_meanwhile_ends_it(int? id, string error)
    {
        ConnectionOpener open = Opener(() => Losing(Guest(), 2), () => new FakeDriver(id == 0 ? [Guest("guest", Another)] : [Guest("guest", Uuid, id)]));
        Outcome outcome = await RunAsync(open, "watch", "guest");
        Assert.Equal((2, Lost + error), (outcome.ExitCode, outcome.Error));
    }

    [Theory]
    [InlineData("watch", "guest")]
    [InlineData("event", "--all", "--loop")]
    [InlineData("balance", "advise", "--watch", "--budget", "4G")]
    public async Task What_refuses_it_ends_it_and_is_not_tried_again(params string[] words)
    {
        ConnectionOpener open = Opener(
            () => Losing(Guest(), 1), Away, () => throw LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Rpc, "wrong password"), () => new FakeDriver(Guest()));
        Outcome outcome = await RunAsync(open, words);
        Assert.Equal((words[0] == "watch" ? 2 : 1, $"{Lost}{NotYet}error: Failed to reconnect to the hypervisor\nerror: authentication failed: wrong password\n"), (outcome.ExitCode, outcome.Error));
        Assert.Equal(3, _opened.Count);
    }

    [Theory]
    [InlineData(true, "event", "--all", "--loop")]
    [InlineData(true, "watch", "guest")]
    [InlineData(false, "event", "--all")]
    [InlineData(false, "balance", "advise", "--budget", "4G")]
    public async Task What_would_end_anyway_ends_with_an_error_and_so_does_virsh(bool isVirsh, params string[] words)
    {
        Outcome outcome = await CliRun.BallastAsync(
            words, Opener(() => Losing(Guest(), 1), () => new FakeDriver(Guest())), time: new HurriedTime(), isVirsh: isVirsh, cancellationToken: Token);
        Assert.EndsWith("error: internal error: client socket is closed\n", outcome.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("again", outcome.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, outcome.ExitCode);
        Assert.Single(_opened);
    }

    [Fact]
    public async Task Nobody_is_asked_for_a_password_again()
    {
        ConnectionOpener open = Opener(() => Losing(Guest(), 1), () => new FakeDriver(Guest()));
        List<string?> answers = [];
        List<bool> mayAsk = [];
        Outcome outcome = await CliRun.BallastAsync(["-q", "watch", "guest", "--count", "2"], AskingAsync, time: new HurriedTime(), input: "secret\nother\n", cancellationToken: Token);
        Assert.Equal(["secret", "secret"], answers);
        Assert.Equal([true, false], mayAsk);
        Assert.Equal((0, 1), (outcome.ExitCode, outcome.Output.Split("Password").Length - 1));

        async ValueTask<Connection> AskingAsync(string? uri, ConnectionOptions options, CancellationToken token)
        {
            mayAsk.Add(options.AskAtTerminal);
            answers.Add(await options.AskCredential!(new CredentialRequest(CredentialKind.Password, "Password", "host"), token));
            return await open(uri, options, token);
        }
    }

    [Fact]
    public async Task Events_go_on_and_those_that_are_missing_are_told_of()
    {
        FakeDomain guest = Guest(), renamed = Guest("renamed"), other = Guest("guest", Another, 2);
        FakeDriver first = new(guest), second = new(renamed, other), third = new(other);
        await using LiveRun run = LiveRun.Start(["event", "guest", "--all", "--loop"], Token, Opener(() => first, Away, () => second, () => third));
        IDriverEventSink sink = await first.Subscribed.Task.WaitAsync(Token);
        sink.Add(DriverEvent.Reboot(guest.Identity));
        await LoseAsync(first);
        sink = await second.Subscribed.Task.WaitAsync(Token);
        await run.UntilAsync("warning", now => now.Error.Contains("events are missing", StringComparison.Ordinal), Token);
        sink.Add(DriverEvent.Reboot(other.Identity));
        sink.Add(DriverEvent.Reboot(renamed.Identity));
        await run.UntilAsync("second event", now => now.Lines.Length == 2, Token);

        // It is no longer there, and may be again.
        await LoseAsync(second);
        sink = await third.Subscribed.Task.WaitAsync(Token);
        await run.UntilAsync("second warning", now => now.Error.Split("events are missing").Length == 3, Token);
        sink.Add(DriverEvent.Reboot(guest.Identity));
        await run.UntilAsync("third event", now => now.Lines.Length == 3, Token);
        Outcome outcome = await run.InterruptAsync();
        Assert.Equal(
            "event 'reboot' for domain 'guest'\nevent 'reboot' for domain 'renamed'\nevent 'reboot' for domain 'guest'\nevent loop interrupted\nevents received: 3\n\n", outcome.Output);
        string[] said = outcome.Error.Split('\n');
        const string missing = "warning: events are missing: the connection was lost";
        Assert.Equal([Lost.TrimEnd(), NotYet.TrimEnd(), $"{Again}at least ", missing, Lost.TrimEnd(), "warning: domain 'guest' does not run now", $"{Again}at least ", missing, ""],
            said.Select(line => line.StartsWith(Again, StringComparison.Ordinal) ? line[..(Again.Length + "at least ".Length)] : line));
        Assert.Equal(0, outcome.ExitCode);

        static async Task LoseAsync(FakeDriver driver)
        {
            driver.IsAlive = false;
            (await driver.Subscribed.Task).End(Closed());
        }
    }

    [Fact]
    public async Task The_time_to_wait_for_events_passes_while_the_connection_is_lost()
    {
        Outcome outcome = await CliRun.BallastAsync(["event", "--all", "--loop", "--timeout", "1"], Opener(() => Losing(Guest(), 1), Away), cancellationToken: Token);
        Assert.Equal((1, Lost, "event loop timed out\nevents received: 0\n"), (outcome.ExitCode, outcome.Error, outcome.Output[..^1]));
    }

    [Fact]
    public async Task A_record_has_the_samples_that_were_missed_and_goes_on()
    {
        string path = _directory.File("host.rec");
        ConnectionOpener open = Opener(() => Losing(Guest(), 1), Away, () => new FakeDriver(Guest(id: 2)));
        Outcome outcome = await CliRun.BallastAsync(["balance", "record", path, "--period", "1", "--samples", "2"], open, cancellationToken: Token);
        Assert.Equal(0, outcome.ExitCode);
        Assert.StartsWith(Lost + NotYet + Again, outcome.Error, StringComparison.Ordinal);
        Assert.Matches("host.rec: 2 samples of 1 guest, [1-9][0-9]* failed in ", outcome.Output);
        JsonElement[] lines = Documents((await CliRun.ProcessAsync("zcat", [path], cancellationToken: Token)).Output)[1..];

        // Another process, another QEMU.
        Assert.Equal((1, 2), (IdOf(lines[0]), IdOf(lines[^2])));
        Assert.Equal("complete", lines[^1].GetProperty("end").GetString());
        Assert.NotEmpty(lines[1..^2]);
        Assert.All(lines[1..^2], line => Assert.Equal("internal error: client socket is closed", line.GetProperty("missed").GetString()));
        double[] times = [.. lines.Select(line => line.GetProperty("time").GetDouble())];
        Assert.Equal(times.Order(), times);
        Assert.InRange(times[^2] - times[0], 1.9, 30);

        static int IdOf(JsonElement line) => Assert.Single(line.GetProperty("guests").EnumerateArray()).GetProperty("id").GetInt32();
    }

    [Fact]
    public async Task A_record_that_is_complete_waits_for_nobody()
    {
        string path = _directory.File("host.rec");
        Outcome outcome = await CliRun.BallastAsync(["balance", "record", path, "--period", "1", "--duration", "3s"], Opener(() => Losing(Guest(), 1), Away), cancellationToken: Token);
        Assert.Equal((0, Lost + NotYet), (outcome.ExitCode, outcome.Error));
        Assert.Equal("complete", Documents((await CliRun.ProcessAsync("zcat", [path], cancellationToken: Token)).Output)[^1].GetProperty("end").GetString());
    }

    [Fact]
    public async Task Advice_goes_on()
    {
        await using LiveRun run = LiveRun.Start(
            ["balance", "advise", "--watch", "--json", "--period", "1", "--budget", "4G"], Token, Opener(() => Losing(Guest(), 2), Away, () => new FakeDriver(Guest())));
        await run.UntilAsync("second advice", now => now.Lines.Length == 2, Token);
        Outcome outcome = await run.InterruptAsync();
        Assert.StartsWith(Lost + NotYet + Again, outcome.Error, StringComparison.Ordinal);
        Assert.Equal(CliProgram.Interrupted, outcome.ExitCode);
    }

    [Fact]
    public async Task Top_goes_on_at_the_place_that_was_chosen_first()
    {
        Outcome outcome = await CliRun.BallastAsync(["top", "--count", "6", "--delay", "0.2"], Opener(() => Losing(Guest(), 1), () => new FakeDriver(Guest())), cancellationToken: Token);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal([null, "fake:///"], _opened);
    }

    internal static FakeDomain Guest(string name = "guest", Guid? uuid = null, int? id = 1) => new(name, id)
    {
        Identity = new DomainIdentity(name, uuid ?? Uuid, id),
        Facts = new()
        {
            Entries = [new(MemoryStatTag.Available, 1 << 20), new(MemoryStatTag.Usable, 1 << 19), new(MemoryStatTag.LastUpdate, 1_699_999_999), new(MemoryStatTag.ActualBalloon, 1 << 20)],
            PeriodSeconds = 2,
            IsRunning = true,
        },
    };

    // After so many samples, nobody answers any more, and who waits for events is told.
    internal static FakeDriver Losing(FakeDomain guest, int samples)
    {
        FakeDriver driver = new(guest);
        for (int i = 1; i < samples; i++)
            guest.Coming.Enqueue(() => guest.Facts);
        guest.Coming.Enqueue(() =>
        {
            Lose();
            return guest.Facts;
        });
        guest.Coming.Enqueue(() => throw Closed());
        _ = driver.Subscribed.Task.ContinueWith(subscribed =>
        {
            Lose();
            subscribed.Result.End(Closed());
        }, Token, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        return driver;

        void Lose() => (driver.IsAlive, driver.Failure) = (false, Closed());
    }

    internal static LibvirtException Closed() => LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Rpc, "client socket is closed");

    internal static FakeDriver Away() => throw LibvirtError.System(111, ErrorOrigin.Rpc, "nobody listens");

    // One after the other; the last one stays.
    private ConnectionOpener Opener(params Func<FakeDriver>[] drivers) => InTurn(_opened, drivers);

    internal static ConnectionOpener InTurn(List<string?> opened, params Func<FakeDriver>[] drivers)
    {
        Lock gate = new();
        return (uri, options, _) =>
        {
            Func<FakeDriver> next;
            lock (gate)
            {
                next = drivers[Math.Min(opened.Count, drivers.Length - 1)];
                opened.Add(uri);
            }

            return new(new Connection(next(), uri ?? "fake:///", options));
        };
    }

    private static Task<Outcome> RunAsync(ConnectionOpener open, params string[] words) => CliRun.BallastAsync(words, open, time: new HurriedTime(), cancellationToken: Token);

    internal static JsonElement[] Documents(string lines) => [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
}
