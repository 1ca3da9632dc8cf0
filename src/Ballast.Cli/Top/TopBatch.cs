using System.Globalization;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Top;

/// <summary>One table after the other, for files and programs.</summary>
internal sealed class TopBatch(CommandInvocation invocation, IReadOnlyList<HostFollower> hosts, MemoryOrder order)
{
    // A connection over ssh takes a moment. The only table waits for all.
    private static readonly TimeSpan LongestFirst = TimeSpan.FromSeconds(2);

    private readonly Dictionary<HostFollower, Task<HostLookResult>> _looks = [];
    private readonly Dictionary<HostFollower, string> _troubles = [];

    /// <param name="delay">Between two tables.</param>
    /// <param name="count">How many; null: until it is cancelled.</param>
    public async Task RunAsync(TimeSpan delay, int? count)
    {
        TopState state = new(hosts, order);
        using PeriodicTimer timer = new(delay, invocation.TimeProvider);
        for (int written = 1; ; written++)
        {
            HostLookResult[] looks = await LookAsync(count == 1 ? Timeout.InfiniteTimeSpan : written == 1 && delay < LongestFirst ? LongestFirst : delay);
            foreach (HostLookResult look in looks)
                state.Take(look);

            // Sums of nothing look like an answer.
            if (looks.Any(look => look.Trouble is null))
                Write(state);
            foreach (HostLookResult look in looks.Where(look => look.Trouble is not null))
                invocation.Error($"{look.Host.Name}: {look.Trouble}");
            invocation.HasFailed = looks.Any(look => look.Trouble is not null);
            if (written == count)
                break;
            _ = await timer.WaitForNextTickAsync(invocation.CancellationToken);
        }

        if (count == 1 && invocation.MayRemark)
            invocation.Remark("One table has no rates: they are between two reports of a guest (--count 2).");
    }

    /// <summary>
    /// A look at each host. One that does not answer in time, or did not the last time, keeps nobody waiting: its answer is for a later
    /// table, and this one says that it is missing.
    /// </summary>
    private async Task<HostLookResult[]> LookAsync(TimeSpan longest)
    {
        foreach (HostFollower host in hosts)
            _ = _looks.TryAdd(host, host.LookAsync(invocation.CancellationToken));
        await ((Task)Task.WhenAll(hosts.Where(host => !_troubles.ContainsKey(host)).Select(host => _looks[host])))
            .WaitAsync(longest, invocation.TimeProvider, invocation.CancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        invocation.CancellationToken.ThrowIfCancellationRequested();
        return await Task.WhenAll(hosts.Select(TakeAsync));
    }

    private async Task<HostLookResult> TakeAsync(HostFollower host)
    {
        if (!_looks[host].IsCompleted)
        {
            _ = _troubles.TryAdd(host, "it has not answered yet");
            return new(host, [], _troubles[host], []);
        }

        _ = _looks.Remove(host, out Task<HostLookResult>? done);
        HostLookResult look = await done!;
        if (look.Trouble is { } trouble)
            _troubles[host] = trouble;
        else
            _ = _troubles.Remove(host);
        return look;
    }

    private void Write(TopState state)
    {
        TextOutput output = invocation.Out;
        if (!invocation.IsQuiet)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{invocation.TimeProvider.GetLocalNow():yyyy-MM-dd HH:mm:ss}"));
        Func<MemoryLine, string>? host = hosts.Count > 1 ? state.PlaceOf : null;
        MemoryTable table = new(state.Shown, SizeUnit.Human, invocation.HasColour, invocation.Columns, host);
        if (!invocation.IsQuiet)
            output.WriteLine(table.Heading);
        foreach (MemoryLine line in state.Shown)
            output.WriteLine(table.Row(line));
        if (!invocation.IsQuiet)
        {
            output.WriteLine("");
            foreach (string line in MemorySummary.Lines(new MemoryTotal(state.Shown), SizeUnit.Human, invocation.Columns, host))
                output.WriteLine(line);
            output.WriteLine("");
        }

        output.Flush();
    }
}
