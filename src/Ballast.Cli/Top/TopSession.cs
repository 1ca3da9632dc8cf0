using System.Threading.Channels;
using Ballast.Cli.Memory;
using Ballast.Cli.Terminal;

namespace Ballast.Cli.Top;

/// <summary>Looks and keys, one after the other, until somebody quits.</summary>
internal sealed class TopSession(IReadOnlyList<HostFollower> hosts, ITerminal terminal, MemoryOrder order, TimeSpan delay, bool hasColour, TimeProvider time)
{
    private readonly TopState _state = new(hosts, order);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Channel<HostLookResult> looks = Channel.CreateUnbounded<HostLookResult>();
        Task following = Task.WhenAll(hosts.Select(host => FollowAsync(host, looks.Writer, end.Token)));
        try
        {
            await ShowAsync(looks.Reader, end.Token);
        }
        finally
        {
            await end.CancelAsync();
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Each host at its own pace: nobody waits for another one.
    private async Task FollowAsync(HostFollower host, ChannelWriter<HostLookResult> looks, CancellationToken token)
    {
        using PeriodicTimer timer = new(delay, time);
        try
        {
            do
                looks.TryWrite(await host.LookAsync(token));
            while (await timer.WaitForNextTickAsync(token));
        }
        catch (Exception e) when (e is not OperationCanceledException || !token.IsCancellationRequested)
        {
            // Nobody would see that no more looks come.
            looks.TryComplete(e);
        }
    }

    private async Task ShowAsync(ChannelReader<HostLookResult> looks, CancellationToken token)
    {
        TopScreen screen = new(_state, hasColour);
        ScreenWriter writer = new(terminal);
        Task<bool> look = looks.WaitToReadAsync(token).AsTask(), key = terminal.Keys.WaitToReadAsync(token).AsTask();
        while (true)
        {
            writer.Show(screen.Lines(terminal.Columns, terminal.Rows, time.GetLocalNow()));
            _ = await Task.WhenAny(look, key);
            if (look.IsCompleted && !await look)
                return;
            while (looks.TryRead(out HostLookResult? result))
                _state.Take(result);
            while (terminal.Keys.TryRead(out Key pressed))
            {
                if (pressed.Kind == KeyKind.Resized)
                    writer.Forget();
                if (!_state.Press(pressed))
                    return;
            }

            if (look.IsCompleted)
                look = looks.WaitToReadAsync(token).AsTask();
            if (key.IsCompleted)
                key = await key ? terminal.Keys.WaitToReadAsync(token).AsTask() : Task.Delay(Timeout.Infinite, token).ContinueWith(_ => false, token);
        }
    }
}
