namespace Ballast.Cli.Output;

/// <summary>Both outputs of a program, in the order in which they were written where they meet in one terminal.</summary>
internal sealed class CommandOutput(Stream standardOutput, Stream standardError)
{
    private readonly TextOutput _error = new(standardError);

    public TextOutput Out { get; } = new(standardOutput);

    public void Error(string text)
    {
        ErrorText($"error: {SafeText.Escape(text)}\n");
    }

    /// <summary>Text on standard error as it is.</summary>
    public void ErrorText(string text)
    {
        Out.Flush();
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
