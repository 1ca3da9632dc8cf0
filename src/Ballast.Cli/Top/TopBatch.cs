using System.Globalization;
using Ballast.Cli.Memory;
using Ballast.Cli.Output;

namespace Ballast.Cli.Top;

/// <summary>One table after the other, for files and programs.</summary>
internal sealed class TopBatch(CommandInvocation invocation, IReadOnlyList<HostFollower> hosts, MemoryOrder order)
{
    /// <param name="delay">Between two tables.</param>
    /// <param name="count">How many; null: until it is cancelled.</param>
    public async Task RunAsync(TimeSpan delay, int? count)
    {
        TopState state = new(hosts, order);
        using PeriodicTimer timer = new(delay, invocation.TimeProvider);
        for (int written = 1; ; written++)
        {
            HostLookResult[] looks = await Task.WhenAll(hosts.Select(host => host.LookAsync(invocation.CancellationToken)));
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
