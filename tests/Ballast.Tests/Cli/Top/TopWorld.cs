using System.Text.RegularExpressions;
using System.Threading.Channels;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;
using Ballast.Cli.Terminal;
using Ballast.Cli.Top;

namespace Ballast.Tests.Cli.Top;

/// <summary>Hosts that tests make up, and what top shows of them at a time that stands still.</summary>
internal sealed partial class TopWorld : IAsyncDisposable
{
    public const ulong Now = 1_700_000_000, MiB = 1024;

    private static readonly DateTimeOffset Clock = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly ConnectionGroup _group;

    public TopWorld(params (string Uri, FakeDriver Driver)[] hosts)
    {
        _group = new(hosts.Select(host => host.Uri), open: (uri, options, _) =>
            new(new Connection(hosts.Single(host => host.Uri == uri).Driver, uri!, options)));
        Hosts = [.. _group.Members.Select(member => new HostFollower(member, TimeProvider.System))];
        State = new TopState(Hosts, MemoryOrder.All[0]);
        Screen = new TopScreen(State, hasColour: false);
    }

    public IReadOnlyList<HostFollower> Hosts { get; }

    public TopState State { get; }

    public TopScreen Screen { get; }

    public static FakeDomain Guest(string name, int id, ulong? used = 500, Func<MemoryStatsFacts>? next = null)
    {
        FakeDomain guest = new(name, id) { Facts = Facts(used), Statistics = [TypedParameter.ULLong("balloon.maximum", 2048 * MiB)] };
        if (next is not null)
            guest.Coming.Enqueue(next);
        return guest;
    }

    public static MemoryStatsFacts Facts(ulong? used = 500, ulong age = 1, ulong swapOut = 0)
    {
        List<MemoryStat> entries = [new(MemoryStatTag.SwapIn, 0), new(MemoryStatTag.SwapOut, swapOut)];
        if (used is { } taken)
            entries.AddRange([new(MemoryStatTag.Available, 1024 * MiB), new(MemoryStatTag.Usable, (1024 - taken) * MiB), new(MemoryStatTag.LastUpdate, Now - age)]);
        entries.AddRange([new(MemoryStatTag.ActualBalloon, 1124 * MiB), new(MemoryStatTag.Rss, 1024 * MiB)]);
        return new() { Entries = [.. entries], PeriodSeconds = 60, IsRunning = true };
    }

    /// <summary>One look at every host.</summary>
    public async Task LookAsync()
    {
        foreach (HostFollower host in Hosts)
            State.Take(await host.LookAsync(TestContext.Current.CancellationToken));
    }

    public string[] Lines(int columns = 80, int rows = 24) => [.. Screen.Lines(columns, rows, Clock).Select(Plain)];

    /// <summary>The names in the table, from top to bottom.</summary>
    public string[] Names(int rows = 24) =>
        [.. Lines(200, rows).SkipWhile(line => !line.StartsWith("Domain ", StringComparison.Ordinal)).Skip(1).SkipLast(1).Select(line => line.Split(' ')[0]).Where(name => name.Length > 0)];

    public bool Press(params object[] keys) => keys.All(key => State.Press(key is KeyKind kind ? new Key(kind) : Key.Of((string)key)));

    public static string Plain(string line) => Escape().Replace(line, "");

    public static int Width(string line) => SafeText.Width(Plain(line));

    public async ValueTask DisposeAsync()
    {
        foreach (HostFollower host in Hosts)
            await host.DisposeAsync();
        await _group.DisposeAsync();
    }

    [GeneratedRegex("\e\\[[0-9]*m")]
    private static partial Regex Escape();
}

/// <summary>A terminal whose keys are given, and whose output is kept.</summary>
internal sealed class FakeTerminal : ITerminal
{
    private readonly Channel<Key> _keys = Channel.CreateUnbounded<Key>();
    private readonly System.Text.StringBuilder _written = new();
    private readonly Lock _gate = new();

    public int Columns { get; set; } = 80;

    public int Rows { get; set; } = 24;

    public bool IsGivenBack { get; private set; }

    public ChannelReader<Key> Keys => _keys.Reader;

    public string Written
    {
        get
        {
            lock (_gate)
                return _written.ToString();
        }
    }

    public void Press(Key key) => _keys.Writer.TryWrite(key);

    public void Write(string text)
    {
        lock (_gate)
            _written.Append(text);
    }

    public void Dispose() => IsGivenBack = true;
}
