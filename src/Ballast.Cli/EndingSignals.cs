using System.Runtime.InteropServices;

namespace Ballast.Cli;

/// <summary>
/// Signals that end the program. The first one cancels, so that what was changed for a moment is put back; a second one ends
/// the program at once.
/// </summary>
internal sealed class EndingSignals : IDisposable
{
    /// <summary>The number of SIGINT.</summary>
    public const int Interrupt = 2;

    private const int FirstOfSignals = 128;

    private static readonly (PosixSignal Signal, int Number)[] All =
        [(PosixSignal.SIGHUP, 1), (PosixSignal.SIGINT, Interrupt), (PosixSignal.SIGQUIT, 3), (PosixSignal.SIGTERM, 15)];

    private readonly CancellationTokenSource _end = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _first;
    private Action? _onInterrupt;

    public EndingSignals() => _registrations = [.. All.Select(one => PosixSignalRegistration.Create(one.Signal, context =>
    {
        if (one.Signal == PosixSignal.SIGINT && Volatile.Read(ref _onInterrupt) is { } interrupted)
        {
            context.Cancel = true;
            try
            {
                interrupted();
            }
            catch (ObjectDisposedException)
            {
                // What it would have ended is over.
            }

            return;
        }

        context.Cancel = Interlocked.CompareExchange(ref _first, one.Number, 0) == 0;
        try
        {
            _end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The program is ending already.
        }
    }))];

    public CancellationToken Token => _end.Token;

    /// <summary>The number of the signal that came first; null where none did.</summary>
    public int? First => Volatile.Read(ref _first) is var number and not 0 ? number : null;

    /// <summary>The status that shells give for the signal that came; null where none did.</summary>
    public int? ExitCode => FirstOfSignals + First;

    /// <summary>Has SIGINT call an action instead, until the result is disposed; the latest one counts.</summary>
    public IDisposable OnInterrupt(Action action)
    {
        Interruption interruption = new(this, _onInterrupt);
        Volatile.Write(ref _onInterrupt, action);
        return interruption;
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _end.Dispose();
    }

    private sealed class Interruption(EndingSignals signals, Action? former) : IDisposable
    {
        public void Dispose() => Volatile.Write(ref signals._onInterrupt, former);
    }
}
