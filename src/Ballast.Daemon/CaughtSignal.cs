using System.Runtime.InteropServices;
using Ballast.Server;

namespace Ballast.Daemon;

/// <summary>
/// SIGHUP never ends the daemon: it has the configuration read again, also when it came during the start. It is handled to
/// the very end of the process: one that came before the daemon ended may be looked at after.
/// </summary>
internal static class HangupSignal
{
    private static readonly Lock Gate = new();
    private static PosixSignalRegistration? _registration;
    private static Action? _reload;
    private static bool _isWaiting;

    public static void Catch() => _registration ??= PosixSignalRegistration.Create(PosixSignal.SIGHUP, static context =>
    {
        context.Cancel = true;
        Background.Run(Come);
    });

    /// <summary>Done at each signal, one after the other; at once where one came already.</summary>
    public static void Attach(Action reload)
    {
        lock (Gate)
        {
            _reload = reload;
            if (_isWaiting)
                reload();
        }
    }

    private static void Come()
    {
        lock (Gate)
        {
            if (_reload is { } reload)
                reload();
            else
                _isWaiting = true;
        }
    }
}
