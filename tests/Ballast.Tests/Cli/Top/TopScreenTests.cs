using Ballast.Cli.Memory;
using Ballast.Cli.Terminal;
using Ballast.Cli.Top;

namespace Ballast.Tests.Cli.Top;

/// <summary>What top shows, and what its keys do.</summary>
public sealed class TopScreenTests
{
    [Theory]
    [InlineData(20, 8)]
    [InlineData(40, 16)]
    [InlineData(59, 24)]
    [InlineData(80, 24)]
    [InlineData(200, 60)]
    public async Task Every_page_fits_the_terminal(int columns, int rows)
    {
        FakeDriver one = new(
            TopWorld.Guest("a-guest-with-a-name-that-is-much-longer-than-any-column", 1, 900), TopWorld.Guest("ボリューム-データベース-サーバー-第一号機", 2, null),
            TopWorld.Guest("x", 3, 200));
        FakeDriver lost = new(TopWorld.Guest("lost", 4)) { Failure = LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Rpc, "一二三四五六七八九十 " + new string('x', 300)) };
        await using TopWorld world = new(("one:///", one), ("qemu+unix:///system?socket=/run/some/where/far/away.sock", lost));
        for (int look = 0; look < 300; look++)
            await world.LookAsync();
        foreach (object[] keys in (object[][])[[], [KeyKind.Enter], [KeyKind.Escape, KeyKind.Down, KeyKind.Enter], [KeyKind.Escape, "?"], ["?", "/", "ボ"]])
        {
            Assert.True(world.Press(keys));
            string[] lines = [.. world.Screen.Lines(columns, rows, DateTimeOffset.UnixEpoch)];
            Assert.Equal(rows, lines.Length);
            Assert.All(lines, line => Assert.InRange(TopWorld.Width(line), 0, columns));
            Assert.All(lines, line => Assert.DoesNotContain("\e[3", line, StringComparison.Ordinal)); // no colour was wanted
        }
    }

    [Fact]
    public async Task A_host_that_is_named_twice_is_shown_once_while_guests_come_and_go_and_connections_end()
    {
        FakeDriver one = new(TopWorld.Guest("a", 1), TopWorld.Guest("bb", 2)) { HostName = "h" }, two = new(TopWorld.Guest("a", 1), TopWorld.Guest("bb", 2)) { HostName = "h" };
        await using TopWorld world = new(("one:///", one), ("two:///", two));
        await world.LookAsync();
        Assert.Equal(["a", "bb"], world.Names());
        Assert.All(world.State.Shown, line => Assert.Equal("one:///", world.State.PlaceOf(line)));

        // Seen to be gone by one of both first.
        two.Forget("bb");
        await world.LookAsync();
        Assert.Equal(["a", "bb"], world.Names());

        // The way there that is left is as good.
        one.Failure = LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Rpc, "the daemon is gone");
        await world.LookAsync();
        Assert.Equal("two:///", world.State.PlaceOf(Assert.Single(world.State.Shown)));
        one.Failure = null;
        await world.LookAsync();
        Assert.Equal(["a", "bb"], world.Names());
    }

    [Fact]
    public async Task A_host_without_an_answer_has_no_sum_of_nothing()
    {
        FakeDriver lost = new() { Failure = LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Rpc, "the daemon is gone") };
        Outcome outcome = await CliRun.BallastAsync(lost, "-c", "one:///", "top", "--count", "1");
        Assert.Equal((1, "", "error: one:///: internal error: the daemon is gone\n"), (outcome.ExitCode, outcome.Output.Trim('\n'), outcome.Error.TrimEnd('\n') + "\n"));
    }

    [Fact]
    public async Task The_table_says_who_is_short_and_what_is_wrong()
    {
        FakeDriver lost = new(TopWorld.Guest("gone", 9)) { Failure = LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Rpc, "the daemon is gone") };
        await using TopWorld world = new(("one:///", new FakeDriver(TopWorld.Guest("calm", 1, 100), TopWorld.Guest("full", 2, 950))), ("two:///", lost));
        Assert.Equal(["one:///: connecting", "two:///: connecting"], world.Lines()[1..3]);
        await world.LookAsync();
        string[] lines = world.Lines(120);
        Assert.Equal("ballast top  03:04:05  2 guests  by pressure", lines[0]);
        Assert.Equal("two:///: internal error: the daemon is gone; trying again", lines[1]);
        Assert.Equal("Total of 2 guests with current numbers: 1.0G used of 2.0G,", lines[2]);
        Assert.Equal(["Domain", "Host", "Used", "/", "guest", "Balloon"], lines[5].Split(' ', StringSplitOptions.RemoveEmptyEntries)[..6]);
        Assert.StartsWith("full    one:///   950M / 1.0G  [#########.]  93%  1.1G / 2.0G      1.0G", lines[6], StringComparison.Ordinal);
        Assert.Equal("q quit  ? help  Enter details  / filter  < > sort", lines[^1]);

        // It comes back: the others stood there all the time.
        lost.Failure = null;
        await world.LookAsync();
        Assert.Equal(["full", "gone", "calm"], world.Names());
        Assert.DoesNotContain("trying again", string.Join('\n', world.Lines()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_chosen_guest_stays_chosen_and_in_sight()
    {
        FakeDriver driver = new([.. Enumerable.Range(1, 100).Select(id => TopWorld.Guest($"g{id:000}", id, (ulong)(1000 - id)))]);
        await using TopWorld world = new(("one:///", driver));
        await world.LookAsync();
        Assert.Equal("g001", Chosen(world));
        Assert.True(world.Press(KeyKind.Down, KeyKind.Down));
        Assert.Equal("g003", Chosen(world));
        Assert.True(world.Press(KeyKind.End));
        Assert.Equal("g100", Chosen(world));
        _ = world.Lines();
        Assert.True(world.Press(KeyKind.PageUp));
        Assert.Equal($"g{100 - world.State.RowsPerPage:000}", Chosen(world));
        Assert.True(world.Press(KeyKind.Up, KeyKind.Home, KeyKind.Up));
        Assert.Equal("g001", Chosen(world));

        // By the next look it stands elsewhere.
        Assert.True(world.Press(KeyKind.Down));
        driver.Forget("g001");
        await world.LookAsync();
        Assert.Equal("g002", Chosen(world));

        static string Chosen(TopWorld world) =>
            TopWorld.Plain(Assert.Single(world.Screen.Lines(80, 24, default), line => line.StartsWith("\e[7m", StringComparison.Ordinal))).Split(' ')[0];
    }

    [Fact]
    public async Task What_is_typed_filters_names_and_reasons()
    {
        await using TopWorld world = new(("one:///", new FakeDriver(
            TopWorld.Guest("web1", 1, 100), TopWorld.Guest("WEB2", 2, 200), TopWorld.Guest("db😀", 3, 300), TopWorld.Guest("mute", 4, null))));
        await world.LookAsync();
        Assert.True(world.Press("/", "w", "e", "q"));
        Assert.Empty(world.Names());
        Assert.Equal("filter: weq_  (Enter: done, Esc: all)", world.Lines()[^1]);
        Assert.True(world.Press(KeyKind.Backspace));
        Assert.Equal(["WEB2", "web1"], world.Names());
        Assert.True(world.Press(KeyKind.Enter));
        Assert.Equal("ballast top  03:04:05  2 of 4 guests  by pressure  filter: we  one:///", world.Lines()[0]);
        Assert.True(world.Press(KeyKind.Escape));
        Assert.Equal(4, world.Names().Length);
        Assert.True(world.Press("/", "😀"));
        Assert.Equal(["db😀"], world.Names());
        Assert.True(world.Press(KeyKind.Backspace, "n", "e", "v", "e", "r"));
        Assert.Equal(["mute"], world.Names());
        Assert.True(world.Press(KeyKind.Backspace, KeyKind.Escape));
        Assert.Equal(4, world.Names().Length);
    }

    [Fact]
    public async Task Every_order_has_a_key_and_arrows_go_through_all()
    {
        await using TopWorld world = new(("one:///", new FakeDriver(TopWorld.Guest("b", 1, 900), TopWorld.Guest("a", 2, 100))));
        await world.LookAsync();
        Assert.Equal(["b", "a"], world.Names());
        Assert.True(world.Press("n"));
        Assert.Equal(["a", "b"], world.Names());
        Assert.True(world.Press("u"));
        Assert.Equal(["b", "a"], world.Names());
        foreach (MemoryOrder order in MemoryOrder.All)
            Assert.Single(TopKeys.All, key => key.Key.Length == 1 && TopKeys.OrderOf(key.Key) == order);

        List<string> seen = [];
        for (int i = 0; i < MemoryOrder.All.Count; i++)
        {
            Assert.True(world.Press(">"));
            seen.Add(world.State.Order.Name);
        }

        Assert.Equal(MemoryOrder.Names.Order(), seen.Order());
        Assert.True(world.Press("<"));
        Assert.Equal(seen[^2], world.State.Order.Name);
        Assert.False(world.Press("q"));
        Assert.False(world.Press(KeyKind.Closed));
    }

    [Fact]
    public async Task The_page_of_a_guest_has_charts_rates_and_events()
    {
        FakeDomain guest = TopWorld.Guest("web1", 1, 100, () => TopWorld.Facts(100, age: 9));
        guest.Coming.Enqueue(() => TopWorld.Facts(200, age: 5, swapOut: 8000));
        guest.Coming.Enqueue(() => TopWorld.Facts(400, age: 5, swapOut: 8000));
        await using TopWorld world = new(("one:///", new FakeDriver(guest)));
        for (int look = 0; look < 3; look++)
            await world.LookAsync();
        world.State.Take(new(world.Hosts[0], world.State.All, null, [new(new(2026, 1, 2, 3, 0, 0, default), guest.Identity.Uuid, "balloon-change 4096KiB"), new(default, Guid.NewGuid(), "of another one")]));
        Assert.True(world.Press(KeyKind.Enter));
        string[] lines = world.Lines(80, 30);
        Assert.Equal(["web1", "web1: reported 5 s ago, every 60 s", "Uses 400M of 1.0G (39%); balloon 1.1G of 2.0G; the host could get back 492M"], lines[1..4]);
        string[] chart = [.. lines.SkipWhile(line => !line.StartsWith("Used  ", StringComparison.Ordinal)).Take(5)];
        Assert.Equal(["Used      400M          ██", "                        ██", "                       ▄██", "                      ▂███", "         max 400M     ████"], chart);
        Assert.Contains("Per second: swap in 0, swap out 2.0M, major faults -", lines);
        Assert.Equal(["Events, newest first:", "  03:00:00  balloon-change 4096KiB"], lines.Where(line => line.StartsWith("Events", StringComparison.Ordinal) || line.Contains("KiB", StringComparison.Ordinal)));
        Assert.True(world.Press(KeyKind.Escape));
        Assert.Equal(["web1"], world.Names());
    }
}
