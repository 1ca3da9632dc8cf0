using System.Runtime.InteropServices;
using Ballast.Server;
using Microsoft.Extensions.Hosting;

namespace Ballast.Daemon;

/// <summary>
/// Signals that the daemon obeys in its own time, also those that come during the start, when it cannot yet. They are handled to the
/// very end of the process: one that came before the daemon ended may be looked at after.
/// </summary>
internal sealed class CaughtSignal(params PosixSignal[] signals)
{
    private readonly Lock _gate = new();
    private PosixSignalRegistration[]? _registrations;
    private Action? _come;
    private Action? _obey;
    private bool _isWaiting;

    /// <summary>SIGHUP never ends the daemon: it has the configuration read again.</summary>
    public static CaughtSignal Hangup { get; } = new(PosixSignal.SIGHUP);

    /// <summary>Ends the daemon as it should end: its sockets are taken away, and its status is that of success.</summary>
    public static CaughtSignal End { get; } = new(PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT);

    /// <summary>From now on the signals do nothing of their own. Called on the first thread, the only one that takes those which were held back.</summary>
    /// <param name="come">Done first at each signal, whatever is waited for meanwhile.</param>
    public void Catch(Action? come = null)
    {
        _come = come;
        _registrations ??= [.. signals.Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            Background.Run(Come);
        }))];
        Release();
    }

    // What came before is waiting (early.c).
    private static void Release()
    {
        const int hangup = 1, unblock = 1;
        Span<byte> signals = stackalloc byte[Libc.SignalSetBytes];
        _ = Libc.EmptySignals(signals);
        _ = Libc.AddSignal(signals, hangup);
        _ = Libc.ChangeSignalMask(unblock, signals, null);
    }

    /// <summary>Done at each signal, one after the other; at once where one came already.</summary>
    public void Attach(Action obey)
    {
        lock (_gate)
        {
            _obey = obey;
            if (_isWaiting)
                obey();
        }
    }

    private void Come()
    {
        _come?.Invoke();
        lock (_gate)
        {
            if (_obey is { } obey)
                obey();
            else
                _isWaiting = true;
        }
    }

    /// <summary>Leaves the signals to us: the host's own way gives up a start with an error.</summary>
    internal sealed class Lifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
