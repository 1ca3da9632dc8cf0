using System.Runtime.InteropServices;
using System.Text;

namespace Ballast.Cli.Shell;

/// <summary>
/// Functions of the system's libedit, by its names. They are looked up when
/// somebody opens a shell at a terminal: a program that runs one command loads nothing.
/// </summary>
internal sealed unsafe class LibEdit
{
    // What el_set and history are asked for (histedit.h).
    public const int Prompt = 0, Editor = 2, Signal = 3, Bind = 4, AddFunction = 9, History = 10, GetCharacter = 13, PrepareTerminal = 16, Refresh = 20;
    public const int SetSize = 1, Enter = 10, SetUnique = 20;

    /// <summary>What a function of the editor returns.</summary>
    public const byte Normal = 0, EndOfLine = 2, Redraw = 4, Beep = 6, RedrawBelow = 8;

    private const int CharacterTypes = 0; // LC_CTYPE

    private static readonly string[] Names = ["libedit.so.2", "libedit.so.0"];

    private readonly delegate* unmanaged[Cdecl]<byte*, nint, nint, nint, nint> _init;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _end;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, byte*> _gets;
    private readonly delegate* unmanaged[Cdecl]<nint, int, nint, nint, nint, nint, int> _set;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, int> _source;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _resize;
    private readonly delegate* unmanaged[Cdecl]<nint, LineInfo*> _line;
    private readonly delegate* unmanaged[Cdecl]<nint, byte*, int> _insert;
    private readonly delegate* unmanaged[Cdecl]<nint> _historyInit;
    private readonly delegate* unmanaged[Cdecl]<nint, void> _historyEnd;
    private readonly delegate* unmanaged[Cdecl]<nint, HistoryEvent*, int, nint, int> _history;

    private LibEdit(nint library)
    {
        _init = (delegate* unmanaged[Cdecl]<byte*, nint, nint, nint, nint>)NativeLibrary.GetExport(library, "el_init");
        _end = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "el_end");
        _gets = (delegate* unmanaged[Cdecl]<nint, int*, byte*>)NativeLibrary.GetExport(library, "el_gets");
        _set = (delegate* unmanaged[Cdecl]<nint, int, nint, nint, nint, nint, int>)NativeLibrary.GetExport(library, "el_set");
        _source = (delegate* unmanaged[Cdecl]<nint, byte*, int>)NativeLibrary.GetExport(library, "el_source");
        _resize = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "el_resize");
        _line = (delegate* unmanaged[Cdecl]<nint, LineInfo*>)NativeLibrary.GetExport(library, "el_line");
        _insert = (delegate* unmanaged[Cdecl]<nint, byte*, int>)NativeLibrary.GetExport(library, "el_insertstr");
        _historyInit = (delegate* unmanaged[Cdecl]<nint>)NativeLibrary.GetExport(library, "history_init");
        _historyEnd = (delegate* unmanaged[Cdecl]<nint, void>)NativeLibrary.GetExport(library, "history_end");
        _history = (delegate* unmanaged[Cdecl]<nint, HistoryEvent*, int, nint, int>)NativeLibrary.GetExport(library, "history");
    }

    /// <summary>Null where the system has none that fits.</summary>
    public static LibEdit? TryLoad()
    {
        foreach (string name in Names)
        {
            try
            {
                if (NativeLibrary.TryLoad(name, out nint library))
                    return new LibEdit(library);
            }
            catch (EntryPointNotFoundException)
            {
                // An older one.
            }
        }

        return null;
    }

    /// <summary>An editor on the process's input and output; 0 where there cannot be one.</summary>
    public nint NewEditor(string program)
    {
        // It measures and converts characters by the locale; what we write is UTF-8 in any.
        if (Libc.SetLocale(CharacterTypes, "") is 0 || Libc.CTypeGetMbCurMax() < 2)
            _ = Libc.SetLocale(CharacterTypes, "C.UTF-8");
        nint input = Libc.FdOpen(0, "r"), output = Libc.FdOpen(1, "w"), error = Libc.FdOpen(2, "w");
        if (input == 0 || output == 0 || error == 0)
            return 0;
        fixed (byte* name = Encoding.UTF8.GetBytes(program + "\0"))
            return _init(name, input, output, error);
    }

    public void EndEditor(nint editor) => _end(editor);

    /// <summary>Reads the user's own settings (~/.editrc).</summary>
    public void ReadSettings(nint editor) => _source(editor, null);

    // el_set and history take any number of arguments. On Linux, integers and pointers are passed to such a function like to
    // any other; what it does not look at does not matter.
    public void Set(nint editor, int what, nint one = 0, nint two = 0, nint three = 0, nint four = 0) => _ = _set(editor, what, one, two, three, four);

    public void BindKey(nint editor, string key, string function)
    {
        fixed (byte* keyText = Encoding.UTF8.GetBytes(key + "\0"), functionText = Encoding.UTF8.GetBytes(function + "\0"))
            Set(editor, Bind, (nint)keyText, (nint)functionText);
    }

    public void UseHistory(nint editor, nint history) => Set(editor, History, (nint)_history, history);

    public void Resize(nint editor) => _resize(editor);

    /// <summary>The line that was typed with its end; null at the end of the input, or where reading failed.</summary>
    public string? GetLine(nint editor)
    {
        int length = 0;
        byte* line = _gets(editor, &length);
        return line is null || length <= 0 ? null : Encoding.UTF8.GetString(line, length);
    }

    /// <summary>What is typed before the cursor.</summary>
    public string BeforeCursor(nint editor)
    {
        LineInfo* line = _line(editor);
        return Encoding.UTF8.GetString(line->Buffer, (int)(line->Cursor - line->Buffer));
    }

    public void Insert(nint editor, string text)
    {
        fixed (byte* bytes = Encoding.UTF8.GetBytes(text + "\0"))
            _ = _insert(editor, bytes);
    }

    public nint NewHistory(int size)
    {
        nint history = _historyInit();
        HistoryEvent none;
        _ = _history(history, &none, SetSize, size);
        _ = _history(history, &none, SetUnique, 1);
        return history;
    }

    public void AddToHistory(nint history, string line)
    {
        HistoryEvent added;
        fixed (byte* text = Encoding.UTF8.GetBytes(line + "\0"))
            _ = _history(history, &added, Enter, (nint)text);
    }

    public void EndHistory(nint history) => _historyEnd(history);

    /// <summary><c>LineInfo</c>.</summary>
    private readonly struct LineInfo(byte* buffer, byte* cursor, byte* end)
    {
        public readonly byte* Buffer = buffer;
        public readonly byte* Cursor = cursor;
        public readonly byte* End = end;
    }

    /// <summary><c>HistEvent</c>.</summary>
    private readonly struct HistoryEvent(int number, byte* text)
    {
        public readonly int Number = number;
        public readonly byte* Text = text;
    }
}
