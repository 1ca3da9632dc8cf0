using System.Text;
using Ballast.Cli;
using Ballast.Guests;

namespace Ballast.Tests.Cli;

/// <summary>ballast inside the test, whose output is read while it goes on.</summary>
internal sealed class LiveRun : IAsyncDisposable
{
    private readonly SharedText _output = new(), _error = new();
    private readonly CancellationTokenSource _interrupt;
    private readonly Task<int> _running;

    private LiveRun(string[] arguments, ConnectionOpener? open, CancellationToken cancellationToken)
    {
        _interrupt = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        CliHost host = new(_output, _error) { Variable = _ => null };
        _running = Task.Run(() => CliProgram.RunAsync(arguments, open is null ? host : host with { Open = open }, _interrupt.Token), CancellationToken.None);
    }

    public string Output => _output.Text;

    public string Error => _error.Text;

    /// <summary>The lines that it has written to standard output.</summary>
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static LiveRun Start(string[] arguments, CancellationToken cancellationToken, ConnectionOpener? open = null) => new(arguments, open, cancellationToken);

    /// <summary>Waits until it has come so far, which it never will where it has ended before.</summary>
    public Task UntilAsync(string what, Func<LiveRun, bool> reached, CancellationToken cancellationToken) =>
        UntilAsync(what, run => Task.FromResult(reached(run)), cancellationToken);

    /// <inheritdoc cref="UntilAsync(string, Func{LiveRun, bool}, CancellationToken)"/>
    public async Task UntilAsync(string what, Func<LiveRun, Task<bool>> reached, CancellationToken cancellationToken)
    {
        try
        {
            await Deadline.UntilAsync(2 * Deadline.Default, what, async _ => _running.IsCompleted || await reached(this), cancellationToken);
            if (!await reached(this))
                throw new InvalidOperationException($"There is no {what}: it has ended with status {await _running}.");
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException)
        {
            throw new InvalidOperationException($"{e.Message} It wrote:\n{Output}{Error}", e);
        }
    }

    public async Task<Outcome> EndAsync() => new(await _running, Output, Error);

    /// <summary>As Ctrl-C does.</summary>
    public async Task<Outcome> InterruptAsync()
    {
        await _interrupt.CancelAsync();
        return await EndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _ = await InterruptAsync();
        _interrupt.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    private sealed class SharedText : MemoryStream
    {
        private readonly Lock _gate = new();

        public string Text
        {
            get
            {
                lock (_gate)
                    return Encoding.UTF8.GetString(ToArray());
            }
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            lock (_gate)
                base.Write(buffer);
        }

        public override void Write(byte[] buffer, int offset, int count)
        {
            lock (_gate)
                base.Write(buffer, offset, count);
        }
    }
}
