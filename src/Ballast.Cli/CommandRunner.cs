using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli;

/// <summary>Runs commands one after the other over one connection, which is opened when the first of them needs it.</summary>
internal sealed class CommandRunner(GlobalOptions options, CliHost host, CommandOutput output, CommandSession session)
{
    private bool _isDocument;

    /// <summary>Runs all; the last one's success is the whole's. An earlier failure stops nothing.</summary>
    public async ValueTask<bool> RunAsync(IReadOnlyList<ParsedCommand> commands, CancellationToken cancellationToken)
    {
        bool succeeded = true;
        foreach (ParsedCommand command in commands)
        {
            long start = host.TimeProvider.GetTimestamp();
            succeeded = await RunAsync(command, cancellationToken);

            // As in virsh: nothing is written behind what ends it.
            if (session.HasEnded)
                break;
            if (options.IsTiming)
            {
                double milliseconds = host.TimeProvider.GetElapsedTime(start).TotalMilliseconds;
                output.Out.Write(string.Create(CultureInfo.InvariantCulture, $"\n(Time: {milliseconds:F3} ms)\n\n"));
            }
            else if (!options.IsQuiet && !_isDocument)
            {
                output.Out.WriteLine("");
            }

            output.Out.Flush();
        }

        return succeeded;
    }

    private async ValueTask<bool> RunAsync(ParsedCommand command, CancellationToken cancellationToken)
    {
        if (command.Command.NeedsConnection && !await session.TryConnectAsync(cancellationToken))
            return false;

        CommandInvocation invocation = new(command, session, output, host, options.IsQuiet, cancellationToken);
        try
        {
            await command.Command.Execute(invocation);
            return !invocation.HasFailed;
        }
        catch (CommandException e)
        {
            foreach (string line in e.Lines)
                output.Error(line);
        }
        catch (LibvirtException e)
        {
            output.Error(e.Message);
        }
        finally
        {
            _isDocument = invocation.IsDocument;
        }

        return false;
    }
}
