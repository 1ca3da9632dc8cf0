namespace Ballast.Cli.Output;

/// <summary>Both outputs of a program, in the order in which they were written where they meet in one terminal.</summary>
internal sealed class CommandOutput(Stream standardOutput, Stream standardError)
{
    private const int MostHeld = 1000;

    private readonly TextOutput _error = new(standardError);
    private readonly Lock _gate = new();
    private List<string>? _held;

    public TextOutput Out { get; } = new(standardOutput);

    /// <summary>The exit status where standard output cannot be written to.</summary>
    public int FailureExitCode { get; set; } = CliProgram.Failure;

    /// <summary>Whom else errors are told.</summary>
    public Action<string>? OnError { get; set; }

    public void Error(string text)
    {
        OnError?.Invoke(text);
        ErrorText($"error: {SafeText.Escape(text)}\n");
    }

    /// <summary>Says what was probably meant, or what to do, behind an error.</summary>
    public void Hint(string text) => ErrorText($"hint: {SafeText.Escape(text)}\n");

    /// <summary>Keeps what is noted until the result is disposed: somebody fills the screen meanwhile.</summary>
    public IDisposable HoldNotes()
    {
        lock (_gate)
            _held ??= [];
        return new Holding(this);
    }

    /// <summary>Text on standard error as it is.</summary>
    public void ErrorText(string text)
    {
        Out.Flush();
        Note(text);
    }

    /// <summary>Text on standard error from wherever something happens, while others write to standard output.</summary>
    public void Note(string text)
    {
        lock (_gate)
        {
            if (_held is not null)
            {
                if (_held.Count < MostHeld)
                    _held.Add(text);
                return;
            }

            try
            {
                _error.Write(text);
                _error.Flush();
            }
            catch (IOException)
            {
                // Nobody reads the errors; the exit code still tells.
            }
        }
    }

    private sealed class Holding(CommandOutput output) : IDisposable
    {
        public void Dispose()
        {
            List<string>? held;
            lock (output._gate)
                (held, output._held) = (output._held, null);
            foreach (string text in held ?? [])
                output.Note(text);
        }
    }
}
