using Ballast.Cli.Commands;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Shell;

/// <summary>One command line after the other, over one connection, until the input or the user ends it.</summary>
internal sealed class CommandShell(GlobalOptions options, CliHost host, CommandOutput output, CommandRunner runner, CommandSession session)
{
    private const string Greeting = "ballast's shell: 'help' lists the commands, 'quit' leaves it, Tab completes what is typed.\n\n";

    // Programs that drive virsh wait for what it says.
    private const string VirshGreeting =
        "Welcome to virsh, the virtualization interactive terminal.\n\nType:  'help' for help with commands\n       'quit' to quit\n\n";

    private readonly string _name = host.IsVirsh ? "virsh" : "ballast";

    private string Prompt => $"{_name} {(session.IsReadOnly ? '>' : '#')} ";

    public async ValueTask<bool> RunAsync(CancellationToken cancellationToken)
    {
        // A hypervisor that was named must be there; without the usual one there is still much to do.
        if (!await session.TryConnectAsync(cancellationToken) && options.Uri is not null)
            return false;

        if (!options.IsQuiet)
            output.Out.Write(host.IsVirsh ? VirshGreeting : Greeting);
        // Where nobody types, Ctrl-C ends the program. Between a command and the next line there is nothing to end.
        using IDisposable? interrupts = host.Input.IsTerminal ? host.OnInterrupt(static () => { }) : null;
        using ILineReader lines = LineReaders.Choose(host, output, session);
        while (!session.HasEnded)
        {
            output.Out.Flush();
            string? line;
            try
            {
                line = lines.Read(Prompt, cancellationToken);
            }
            catch (IOException e) when (e is not OutputException)
            {
                output.Error(e.Message);
                return false;
            }

            if (line is null)
                break;
            if (line.Length == 0)
                continue;
            lines.Remember(line);
            await RunLineAsync(line, cancellationToken);
        }

        output.Out.WriteLine("");
        return true;
    }

    private async ValueTask RunLineAsync(string line, CancellationToken cancellationToken)
    {
        CommandParser parser = CommandLine.Parser(host);
        IReadOnlyList<ParsedCommand>? commands = parser.Parse(new LineWords(line));
        foreach (string error in parser.Errors)
            output.Error(error);
        if (commands is null)
        {
            if (parser.Hint is { } hint)
                output.Hint(hint);
            return;
        }

        using CancellationTokenSource running = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using (host.Input.IsTerminal ? host.OnInterrupt(running.Cancel) : null)
        {
            try
            {
                if (await runner.RunAsync(commands, running.Token) != CliProgram.Success && parser.Hint is { } misplaced)
                    output.Hint(misplaced);
            }
            catch (OperationCanceledException) when (running.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                // What the terminal shows of Ctrl-C has a line of its own.
                output.ErrorText("\n");
                output.Error("interrupted");
            }
        }
    }
}
