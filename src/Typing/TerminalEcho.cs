using System.Runtime.InteropServices;

namespace Ballast.Typing;

/// <summary>A terminal on standard input that does not show what is typed, until this is disposed.</summary>
internal sealed partial class TerminalEcho : IDisposable
{
    private const int AfterOutput = 1;
    private const int StandardInput = 0;
    private const uint Echo = 8;

    // Four words of flags, then what is only given back. c_lflag is the fourth, in glibc and musl.
    private const int LocalFlags = 3;
    private const int Words = 32;

    private static readonly PosixSignal[] Endings = [PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGTERM];

    private readonly uint[] _before;
    private readonly PosixSignalRegistration[] _endings;

    private TerminalEcho(uint[] before)
    {
        _before = before;

        // A signal that ends the process leaves no terminal behind that shows nothing.
        _endings = [.. Endings.Select(signal => PosixSignalRegistration.Create(signal, _ => Restore()))];
    }

    /// <summary>Hides what is typed; null where there is no terminal.</summary>
    public static TerminalEcho? Hide()
    {
        uint[] settings = new uint[Words];
        if (GetAttributes(StandardInput, settings) != 0)
            return null;
        TerminalEcho echo = new([.. settings]);
        settings[LocalFlags] &= ~Echo;
        if (SetAttributes(StandardInput, AfterOutput, settings) == 0)
            return echo;
        echo.Dispose();
        return null;
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration ending in _endings)
            ending.Dispose();
        Restore();
    }

    private void Restore() => _ = SetAttributes(StandardInput, AfterOutput, _before);

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetAttributes(int descriptor, [Out] uint[] settings);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetAttributes(int descriptor, int when, uint[] settings);
}
