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

    private readonly uint[] _before;

    private TerminalEcho(uint[] before) => _before = before;

    /// <summary>Hides what is typed; null where there is no terminal.</summary>
    public static TerminalEcho? Hide()
    {
        uint[] settings = new uint[Words];
        if (GetAttributes(StandardInput, settings) != 0)
            return null;
        TerminalEcho echo = new([.. settings]);
        settings[LocalFlags] &= ~Echo;
        return SetAttributes(StandardInput, AfterOutput, settings) == 0 ? echo : null;
    }

    public void Dispose() => _ = SetAttributes(StandardInput, AfterOutput, _before);

    [LibraryImport("libc", EntryPoint = "tcgetattr")]
    private static partial int GetAttributes(int descriptor, [Out] uint[] settings);

    [LibraryImport("libc", EntryPoint = "tcsetattr")]
    private static partial int SetAttributes(int descriptor, int when, uint[] settings);
}
