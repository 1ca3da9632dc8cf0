using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;
using Ballast.Cli.Output;

namespace Ballast.Cli.Terminal;

/// <summary>
/// The terminal of this process: keys come one by one and are not shown, and a second screen keeps the first one as it was.
/// Signals still come by its keys.
/// </summary>
internal sealed class ProcessTerminal : ITerminal
{
    private const int Input = 0, StopSignal = 19;
    private const string Enter = "\e[?1049h\e[?25l\e[H\e[2J", Leave = "\e[0m\e[?25h\e[?1049l";

    private readonly StandardStream _output;
    private readonly TerminalMode _mode;
    private readonly Channel<Key> _keys = Channel.CreateUnbounded<Key>();
    private readonly PosixSignalRegistration[] _signals;
    private readonly Thread _reader;
    private readonly Lock _gate = new();
    private volatile bool _ended;
    private bool _isEntered;

    private ProcessTerminal(StandardStream output, TerminalMode mode)
    {
        (_output, _mode) = (output, mode);
        AppDomain.CurrentDomain.ProcessExit += GiveBack;
        AppDomain.CurrentDomain.UnhandledException += GiveBack;
        _signals = OperatingSystem.IsWindows() ? [] :
        [
            PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => _keys.Writer.TryWrite(new Key(KeyKind.Resized))),
            PosixSignalRegistration.Create(PosixSignal.SIGTSTP, Stop),
            PosixSignalRegistration.Create(PosixSignal.SIGCONT, Continue),
        ];
        Take();
        _reader = new Thread(Read) { IsBackground = true, Name = "keys" };
        _reader.Start();
    }

    /// <summary>Takes the terminal; null where input or output is none.</summary>
    public static ProcessTerminal? TryOpen(StandardStream output) =>
        output.IsTerminal && TerminalMode.TryRead(Input) is { } mode ? new ProcessTerminal(output, mode) : null;

    public int Columns => _output.Columns ?? 80;

    public int Rows => _output.Rows ?? 24;

    public ChannelReader<Key> Keys => _keys.Reader;

    public void Write(string text)
    {
        lock (_gate)
        {
            if (_isEntered)
                _output.Write(Encoding.UTF8.GetBytes(text));
        }
    }

    public void Dispose()
    {
        // What is typed from the moment on at which the first screen is back is the next program's.
        _ended = true;
        _reader.Join();
        GiveBack();
        AppDomain.CurrentDomain.ProcessExit -= GiveBack;
        AppDomain.CurrentDomain.UnhandledException -= GiveBack;
        foreach (PosixSignalRegistration signal in _signals)
            signal.Dispose();
    }

    private void Take()
    {
        lock (_gate)
        {
            if (_isEntered || _ended)
                return;
            _mode.SetForKeys();
            _output.Write(Encoding.UTF8.GetBytes(Enter));
            _isEntered = true;
        }
    }

    private void GiveBack(object? sender, EventArgs e) => GiveBack();

    private void GiveBack()
    {
        lock (_gate)
        {
            if (!_isEntered)
                return;
            _isEntered = false;
            try
            {
                // Whoever stopped it (Ctrl-S) shall find the first screen there.
                _output.Resume();
                _output.Write(Encoding.UTF8.GetBytes(Leave));
            }
            catch (Exception e) when (e is OutputException or OperationCanceledException)
            {
                // The terminal is gone, or nobody reads it.
            }

            _mode.Restore();
        }
    }

    // Ctrl-Z: the shell gets the terminal as it was, and what is stopped takes it again when it goes on.
    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        GiveBack();
        _ = Libc.Kill(Environment.ProcessId, StopSignal);
    }

    private void Continue(PosixSignalContext context)
    {
        // The process goes on already; what the runtime would do besides is to set the terminal as it was at the start.
        context.Cancel = true;
        Take();
        _ = _keys.Writer.TryWrite(new Key(KeyKind.Resized));
    }

    private void Read()
    {
        const int patience = 100, ofSequence = 30;
        byte[] buffer = new byte[256];
        int have = 0;
        while (!_ended)
        {
            if (!Waits(have > 0 ? ofSequence : patience))
            {
                Take(buffer, ref have, isAll: true);
                continue;
            }

            nint read = Libc.Read(Input, ref buffer[have], (nuint)(buffer.Length - have));
            if (read <= 0)
            {
                _ = _keys.Writer.TryWrite(new Key(KeyKind.Closed));
                return;
            }

            have += (int)read;
            Take(buffer, ref have, isAll: have == buffer.Length);
        }
    }

    private void Take(byte[] buffer, ref int have, bool isAll)
    {
        int taken = 0;
        while (KeyDecoder.Next(buffer.AsSpan(taken, have - taken), isAll, out Key key) is > 0 and var length)
        {
            taken += length;
            _ = _keys.Writer.TryWrite(key);
        }

        buffer.AsSpan(taken, have - taken).CopyTo(buffer);
        have -= taken;
    }

    private static bool Waits(int milliseconds)
    {
        Libc.PollEntry request = new(Input, Libc.PollEntry.CanRead);
        return Libc.Poll(ref request, 1, milliseconds) > 0;
    }
}
