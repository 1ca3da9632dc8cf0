using System.Text;
using Ballast.Cli;
using Ballast.Cli.Memory;
using Ballast.Cli.Terminal;
using Ballast.Cli.Top;

namespace Ballast.Tests.Cli.Top;

/// <summary>What top is made of, each for itself.</summary>
public sealed class TopPartsTests
{
    [Theory]
    [InlineData("a", "Text:a")]
    [InlineData("é日😀", "Text:é Text:日 Text:😀")]
    [InlineData("\r\n", "Enter Enter")]
    [InlineData("\x7f\b", "Backspace Backspace")]
    [InlineData("\e[A\eOB\e[C\e[D", "Up Down Right Left")]
    [InlineData("\e[5~\e[6~\e[H\e[F\e[1~\e[4~\e[7~\e[8~\eOH", "PageUp PageDown Home End Home End Home End Home")]
    [InlineData("\e[1;5A\e[3~\e[99z", "Up Other Other")]
    [InlineData("\ex", "Escape Text:x")]
    [InlineData("\e", "Escape")]
    [InlineData("\e[", "Other")]
    [InlineData("\u0001", "Other")]
    public void Bytes_become_keys_however_they_are_cut(string typed, string keys)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(typed);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            List<Key> found = [];
            int taken = Take(bytes.AsSpan(0, cut), isAll: false, found);
            taken += Take(bytes.AsSpan(taken), isAll: true, found);
            Assert.Equal(bytes.Length, taken);
            Assert.Equal(keys, string.Join(' ', found.Select(key => key.Kind == KeyKind.Text ? $"Text:{key.Text}" : key.Kind.ToString())));
        }
    }

    [Fact]
    public void Any_bytes_become_keys_and_come_to_an_end()
    {
        Random random = new(7);
        for (int run = 0; run < 2000; run++)
        {
            byte[] bytes = new byte[random.Next(1, 40)];
            random.NextBytes(bytes);
            if (run % 2 == 0)
                bytes[0] = 0x1b;
            List<Key> found = [];
            Assert.Equal(bytes.Length, Take(bytes, isAll: true, found));
            Assert.InRange(found.Count, 1, bytes.Length);
        }
    }

    [Fact]
    public void Charts_go_from_nothing_to_the_largest()
    {
        Assert.Equal(["▁▂▃▄▅▆▇█"], Chart.Lines([1, 2, 3, 4, 5, 6, 7, 8], 20, 1));
        Assert.Equal(["   █", " ▄██", "████"], Chart.Lines([8, 12, 16, 24], 20, 3));
        Assert.Equal(["▁ █"], Chart.Lines([0.001f, float.NaN, 8], 20, 1));
        Assert.Equal([""], Chart.Lines([0, 0], 20, 1));
        Assert.Equal(["", ""], Chart.Lines([], 20, 2));

        // What has no room shows the largest beside it.
        Assert.Equal(["▄█"], Chart.Lines([4, 1, 8, 2], 2, 1));
        Assert.All(Enumerable.Range(1, 300), width => Assert.InRange(Chart.Lines([.. Enumerable.Range(1, 240).Select(i => (float)i)], width, 1)[0].Length, 1, width));
    }

    [Fact]
    public void A_history_is_bounded_and_keeps_what_was_largest()
    {
        TopHistory history = new();
        const int peak = 1234, looks = 100_000;
        for (int look = 0; look < looks; look++)
        {
            history.Add(new HistoryPoint(look == peak ? 1e6f : look == 5 ? float.NaN : look, 1, 2, 3));
            Assert.InRange(history.Points.Count, 1, TopHistory.MaxPoints);
        }

        Assert.InRange(history.Points.Count, TopHistory.MaxPoints / 2, TopHistory.MaxPoints);
        Assert.Equal(1e6f, history.Points.Max(point => point.Used));
        Assert.Equal(looks - 1, history.Points[^1].Used);
        Assert.Equal([1f], history.Points.Select(point => point.Cache).Distinct());
    }

    [Fact]
    public void Only_what_changed_is_written()
    {
        FakeTerminal terminal = new();
        ScreenWriter writer = new(terminal);
        writer.Show(["one", "two", "three"]);
        int before = terminal.Written.Length;
        writer.Show(["one", "two", "three"]);
        Assert.Equal(before, terminal.Written.Length);
        writer.Show(["one", "2", "three"]);
        Assert.Equal("\e[2;1H2\e[0m\e[K", terminal.Written[before..]);
        before = terminal.Written.Length;
        writer.Show(["one"]);
        Assert.Equal("\e[2;1H\e[0m\e[K\e[3;1H\e[0m\e[K", terminal.Written[before..]);
        before = terminal.Written.Length;
        writer.Forget();
        writer.Show(["one"]);
        Assert.Contains("one", terminal.Written[before..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_never_answers_delays_neither_the_others_nor_the_keys()
    {
        using FakeTerminal terminal = new();
        await using ConnectionGroup group = new(
            ["silent:///", "good:///"], timeout: TimeSpan.FromDays(1), open: async (uri, options, token) =>
            {
                if (uri == "silent:///")
                    await Task.Delay(Timeout.Infinite, token);
                return new Connection(new FakeDriver(TopWorld.Guest("web1", 1)), uri!, options);
            });
        HostFollower[] hosts = [.. group.Members.Select(member => new HostFollower(member, TimeProvider.System))];
        TopSession session = new(hosts, terminal, MemoryOrder.All[0], TimeSpan.FromMilliseconds(20), hasColour: false, TimeProvider.System);
        Task running = session.RunAsync(TestContext.Current.CancellationToken);
        while (!terminal.Written.Contains("web1", StringComparison.Ordinal))
            await Task.Delay(10, TestContext.Current.CancellationToken);
        Assert.Contains("silent:///: connecting", terminal.Written, StringComparison.Ordinal);
        terminal.Press(new Key(KeyKind.Resized));
        terminal.Press(Key.Of("q"));
        await running;
        foreach (HostFollower host in hosts)
            await host.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_terminal_it_says_what_else_there_is()
    {
        Outcome outcome = await CliRun.BallastAsync(new FakeDriver(TopWorld.Guest("web1", 1)), "top");
        Assert.Equal((1, "error: top needs a terminal for its keys and its screen: use --batch, or `ballast memory` for one table\n"), (outcome.ExitCode, outcome.Error));
        Assert.Equal((1, "error: '0.01' is not a delay: write seconds, from 0.1 to 86400\n"), await FailAsync("top", "--delay", "0.01"));
        Assert.Equal((1, "error: unknown order 'usd', did you mean 'used'?"), await FirstLineAsync("top", "--sort", "usd"));

        static async Task<(int, string)> FailAsync(params string[] words) =>
            await CliRun.BallastAsync(new FakeDriver(), words) is var outcome ? (outcome.ExitCode, outcome.Error) : default;

        static async Task<(int, string)> FirstLineAsync(params string[] words) => await FailAsync(words) is var (code, error) ? (code, error.Split('\n')[0]) : default;
    }

    [Fact]
    public async Task Tables_for_files_come_from_several_hosts_and_tell_their_troubles()
    {
        FakeDriver lost = new() { Failure = LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Rpc, "gone") };
        Dictionary<string, FakeDriver> drivers = new() { ["one:///"] = new(TopWorld.Guest("web1", 1)), ["two:///"] = new(TopWorld.Guest("web2", 2)), ["lost:///"] = lost };
        Outcome outcome = await RunAsync("-q", "-c", "one:///", "-c", "two:///", "-c", "lost:///", "top", "--count", "2", "--delay", "0.1", "--sort", "name");
        Assert.Equal(["web1", "web2", "web1", "web2"], outcome.Output.TrimEnd('\n').Split('\n').Select(line => line.Split(' ')[0]));
        Assert.Equal((1, "error: lost:///: internal error: gone\nerror: lost:///: internal error: gone\n"), (outcome.ExitCode, outcome.Error));
        Assert.Equal(1, (await RunAsync("-c", "lost:///", "top", "--count", "1")).ExitCode);
        outcome = await RunAsync("-c", "one:///", "-c", "two:///", "top", "--count", "1");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("\n\nTotal of 2 guests with current numbers: ", outcome.Output, StringComparison.Ordinal);

        Task<Outcome> RunAsync(params string[] words) => CliRun.BallastAsync(words, (uri, options, _) => new(new Connection(drivers[uri!], uri!, options)));
    }

    [Theory]
    [InlineData("domstats")]
    [InlineData("setmem web1 1G")]
    [InlineData("memory; domstate web1")]
    [InlineData("")]
    public async Task What_takes_one_host_refuses_several(string line)
    {
        string[] words = ["-c", "one:///", "-c", "two:///", .. line.Length == 0 ? [] : new[] { line }];
        Outcome outcome = await CliRun.BallastAsync(words, (_, _, _) => throw new InvalidOperationException("It was opened."), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.StartsWith("error: only doctor, list, memory, top take several connections (-c)\nhint: ", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_virsh_the_last_of_several_hosts_counts()
    {
        Dictionary<string, FakeDriver> drivers = new() { ["one:///"] = new(TopWorld.Guest("web1", 1)), ["two:///"] = new(TopWorld.Guest("web2", 2)) };
        ConnectionOpener open = (uri, options, _) => new(new Connection(drivers[uri!], uri!, options));
        string[] words = ["-c", "two:///", "-c", "one:///", "list"];
        Assert.Contains("web1", (await CliRun.BallastAsync(words, open, isVirsh: true, cancellationToken: TestContext.Current.CancellationToken)).Output, StringComparison.Ordinal);

        // The same one twice is one.
        words[1] = "one:///";
        Assert.Contains("web1", (await CliRun.BallastAsync(words, open, cancellationToken: TestContext.Current.CancellationToken)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Hosts_have_short_names_while_these_differ()
    {
        string[] hosts = ["test:///fleet?domains=3", "qemu+unix:///system?socket=/run/host2.sock", "qemu+ssh://root@node7:22/system", "qmp:///run/vms", "qemu:///system", "qemu:///session", "default"];
        Assert.Equal(
            ["fleet?domains=3", "/run/host2.sock", "node7", "/run/vms", "qemu:///system", "qemu:///session", "default"],
            hosts.Select(host => HostNames.Short(host, hosts)));
        string[] twins = ["qemu+ssh://node7/system", "qemu+ssh://node7/session"];
        Assert.Equal(twins, twins.Select(host => HostNames.Short(host, twins)));
    }

    [Theory]
    [InlineData("/run/some/where/host2.sock", 12, "/ru…st2.sock")]
    [InlineData("short", 12, "short")]
    [InlineData("abcdef", 2, "a…")]
    [InlineData("一二三四五六七八九十", 9, "一…八九十")]
    public void A_name_is_cut_inside_where_its_end_tells_more(string text, int width, string cut)
    {
        Assert.Equal(cut, Ballast.Cli.Output.TableRow.CutInside(text, width));
        for (int i = 0; i < 12; i++)
            Assert.InRange(Ballast.Cli.Output.SafeText.Width(Ballast.Cli.Output.TableRow.CutInside("x😀y一😀二z", i)), 0, i);
    }

    private static int Take(ReadOnlySpan<byte> bytes, bool isAll, List<Key> found)
    {
        int taken = 0;
        while (KeyDecoder.Next(bytes[taken..], isAll, out Key key) is > 0 and var length)
        {
            taken += length;
            found.Add(key);
        }

        return taken;
    }
}
