using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Ballast.Cli.Completion;

namespace Ballast.Cli.Shell;

/// <summary>
/// Lines typed at a terminal and edited with libedit: keys as in <c>editline(7)</c> and the user's ~/.editrc, history, and
/// Tab. The terminal is as the user left it whenever no line is being typed.
/// </summary>
internal sealed unsafe class EditedLines : ILineReader
{
    private const int MaxShown = 200;

    // The editor calls functions without saying for whom: there is one shell in a process.
    private static EditedLines? _current;

    private readonly LibEdit _library;
    private readonly IShellInput _input;
    private readonly ShellHistory _history;
    private readonly SessionCompleter _completer;
    private readonly PosixSignalRegistration[] _signals;
    private readonly nint _editor;
    private readonly nint _editorHistory;
    private nint _promptText;
    private CancellationToken _cancellationToken;
    private volatile bool _isResized;
    private volatile bool _isContinued;
    private bool _wasInterrupted;
    private Exception? _failure;

    private EditedLines(LibEdit library, nint editor, IShellInput input, ShellHistory history, SessionCompleter completer)
    {
        _library = library;
        _editor = editor;
        _input = input;
        _history = history;
        _completer = completer;
        _editorHistory = library.NewHistory(ShellHistory.Size);
        foreach (string line in history.Read())
            library.AddToHistory(_editorHistory, line);
        _current = this;
        Configure();
        _signals =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ =>
            {
                _isResized = true;
                input.Wake();
            }),
            PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ =>
            {
                _isContinued = true;
                input.Wake();
            }),
        ];
    }

    /// <summary>Null where the system has no libedit, or it cannot work here.</summary>
    public static EditedLines? TryStart(IShellInput input, ShellHistory history, SessionCompleter completer) =>
        LibEdit.TryLoad() is { } library && library.NewEditor("ballast") is not 0 and var editor
            ? new EditedLines(library, editor, input, history, completer)
            : null;

    public string? Read(string prompt, CancellationToken cancellationToken)
    {
        _cancellationToken = cancellationToken;
        SetPrompt(prompt);
        _wasInterrupted = false;
        _failure = null;
        string? line = _library.GetLine(_editor);
        if (_failure is not null)
            throw _failure;
        if (_wasInterrupted)
            return "";
        return line?.TrimEnd('\n', '\r');
    }

    public void Remember(string line)
    {
        if (_history.Add(line))
            _library.AddToHistory(_editorHistory, line);
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
            signal.Dispose();
        _library.EndEditor(_editor);
        _library.EndHistory(_editorHistory);
        NativeMemory.Free((void*)_promptText);
        _current = null;
    }

    private void Configure()
    {
        _library.Set(_editor, LibEdit.Prompt, (nint)(delegate* unmanaged[Cdecl]<nint, byte*>)&ShowPrompt);
        SetText(LibEdit.Editor, "emacs"u8);

        // Signals come to this program's own handlers, which wake it.
        _library.Set(_editor, LibEdit.Signal, 0);
        _library.UseHistory(_editor, _editorHistory);
        fixed (byte* name = "complete\0"u8, help = "complete the word\0"u8)
            _library.Set(_editor, LibEdit.AddFunction, (nint)name, (nint)help, (nint)(delegate* unmanaged[Cdecl]<nint, int, byte>)&Complete);
        _library.BindKey(_editor, "^I", "complete");
        _library.BindKey(_editor, "^R", "em-inc-search-prev");
        _library.Set(_editor, LibEdit.GetCharacter, (nint)(delegate* unmanaged[Cdecl]<nint, int*, int>)&GetCharacter);
        _library.ReadSettings(_editor);
    }

    private void SetText(int what, ReadOnlySpan<byte> text)
    {
        byte* copy = stackalloc byte[text.Length + 1];
        text.CopyTo(new Span<byte>(copy, text.Length));
        copy[text.Length] = 0;
        _library.Set(_editor, what, (nint)copy);
    }

    private void SetPrompt(string prompt)
    {
        NativeMemory.Free((void*)_promptText);
        byte[] text = Encoding.UTF8.GetBytes(prompt + "\0");
        _promptText = (nint)NativeMemory.Alloc((nuint)text.Length);
        text.CopyTo(new Span<byte>((void*)_promptText, text.Length));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte* ShowPrompt(nint editor) => (byte*)_current!._promptText;

    /// <summary>1: a character; 0: the end of the input; −1: the line is given up.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int GetCharacter(nint editor, int* character)
    {
        // No exception may leave: the editor puts the terminal back first.
        EditedLines lines = _current!;
        try
        {
            return lines.ReadCharacter(out *character);
        }
        catch (Exception e)
        {
            lines._failure = e;
            return -1;
        }
    }

    private int ReadCharacter(out int character)
    {
        const int longest = 4;
        Span<byte> bytes = stackalloc byte[longest];
        int length = 0;
        character = 0;
        while (true)
        {
            int read = _input.Read(bytes.Slice(length, 1), _cancellationToken);
            switch (read)
            {
                case IShellInput.Interrupted:
                    _wasInterrupted = true;
                    StandardOutput("^C\n"u8);
                    return -1;
                case IShellInput.Woken:
                    FollowTerminal();
                    continue;
                case 0:
                    return 0;
            }

            length++;
            switch (Rune.DecodeFromUtf8(bytes[..length], out Rune rune, out _))
            {
                case System.Buffers.OperationStatus.NeedMoreData when length < longest:
                    continue;
                default:
                    character = rune.Value;
                    return 1;
            }
        }
    }

    // The terminal has another size, or another program had it meanwhile (Ctrl-Z, fg).
    private void FollowTerminal()
    {
        if (_isContinued)
        {
            _isContinued = false;
            _library.Set(_editor, LibEdit.PrepareTerminal, 0);
            _library.Set(_editor, LibEdit.PrepareTerminal, 1);
            StandardOutput("\n"u8);
            _library.Set(_editor, LibEdit.Refresh);
        }

        if (_isResized)
        {
            _isResized = false;
            _library.Resize(_editor);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte Complete(nint editor, int key)
    {
        EditedLines lines = _current!;
        try
        {
            return lines.Complete();
        }
        catch (Exception e) when (e is LibvirtException or OperationCanceledException)
        {
            return LibEdit.Beep;
        }
        catch (Exception e)
        {
            lines._failure = e;
            return LibEdit.EndOfLine;
        }
    }

    private byte Complete()
    {
        string before = _library.BeforeCursor(_editor);
        Completed completed = _completer.Complete(before, _cancellationToken);
        if (completed.Insert.Length > 0)
        {
            _library.Insert(_editor, completed.Insert);
            return LibEdit.Redraw;
        }

        if (completed.Choices.Count == 0)
            return LibEdit.Beep;
        StandardOutput(Encoding.UTF8.GetBytes("\n" + CompletionColumns.Lay(completed.Choices, MaxShown, _completer.Columns)));
        return LibEdit.RedrawBelow;
    }

    private void StandardOutput(ReadOnlySpan<byte> text) => _completer.Terminal.Write(text);
}
