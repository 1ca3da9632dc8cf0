using System.Collections.Concurrent;
using System.Text;
using Ballast.Cli.Output;
using Ballast.Cli.Shell;

namespace Ballast.Cli;

/// <summary>Asks who runs the program for what a host wants to know, on standard output and from standard input.</summary>
internal sealed class CredentialPrompt(CliHost host, CommandOutput output)
{
    // Longer than any name or password; what follows is not read as the next answer.
    private const int MaximumLength = 1024;

    private readonly ConcurrentDictionary<CredentialKind, string> _answers = new();

    /// <summary>The same answers once more, for a connection that is opened again: nobody is asked in the middle of a command.</summary>
    public ValueTask<string?> RepeatAsync(CredentialRequest request, CancellationToken cancellationToken) => new(_answers.GetValueOrDefault(request.Kind));

    /// <summary>The answer: a line without its end; empty at the end of the input; null after Ctrl-C.</summary>
    public ValueTask<string?> AskAsync(CredentialRequest request, CancellationToken cancellationToken)
    {
        // Before the question: who answers it at once is not to be seen either.
        using IDisposable? hidden = request.Kind == CredentialKind.Password ? host.HideTyping() : null;
        output.Out.Write($"{SafeText.Escape(request.Prompt)}: ");
        output.Out.Flush();
        string? answer = ReadLine(host.Input, cancellationToken);
        if (hidden is not null)
            output.Out.WriteLine(""); // the one that was typed was not shown
        if (answer is not null)
            _answers[request.Kind] = answer;
        return new(answer);
    }

    // Byte by byte: what follows the line belongs to somebody else.
    private static string? ReadLine(IShellInput input, CancellationToken cancellationToken)
    {
        List<byte> line = [];
        Span<byte> one = stackalloc byte[1];
        while (true)
        {
            int read = input.Read(one, cancellationToken);
            if (read == IShellInput.Interrupted)
                return null;
            if (read == IShellInput.Woken)
                continue;
            if (read == 0 || one[0] == '\n')
                return Encoding.UTF8.GetString([.. line]);
            if (line.Count < MaximumLength)
                line.Add(one[0]);
        }
    }
}
