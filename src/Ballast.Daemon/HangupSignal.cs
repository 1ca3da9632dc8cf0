using System.Runtime.InteropServices;

namespace Ballast.Daemon;

/// <summary>SIGHUP never ends the daemon: it has the configuration read again, also when it came during the start.</summary>
internal sealed class HangupSignal : IDisposable
{
    private readonly Lock _gate = new();
    private readonly PosixSignalRegistration _registration;
    private Action? _reload;
    private bool _isWaiting;

    public HangupSignal() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        Come();
    });

    /// <summary>Done at each signal, one after the other; at once where one came already.</summary>
    public void Attach(Action reload)
    {
        lock (_gate)
        {
            _reload = reload;
            if (_isWaiting)
                reload();
        }
    }

    public void Dispose() => _registration.Dispose();

    private void Come()
    {
        lock (_gate)
        {
            if (_reload is { } reload)
                reload();
            else
                _isWaiting = true;
        }
    }
}
