using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli;

/// <summary>Runs commands one after the other over one connection, which is opened when the first of them needs it.</summary>
internal sealed class CommandRunner(GlobalOptions options, CliHost host, CommandOutput output, CommandSession session)
{
    private bool _isDocument;

    /// <summary>Runs all; the last one's exit status is the whole's. An earlier failure stops nothing.</summary>
    public async ValueTask<int> RunAsync(IReadOnlyList<ParsedCommand> commands, CancellationToken cancellationToken)
    {
        int exitCode = CliProgram.Success;
        foreach (ParsedCommand command in commands)
        {
            long start = host.TimeProvider.GetTimestamp();
            exitCode = await RunAsync(command, cancellationToken);

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

        return exitCode;
    }

    private async ValueTask<int> RunAsync(ParsedCommand command, CancellationToken cancellationToken)
    {
        if (command.Command.NeedsConnection && !(command.Command.TakesSeveral && session.HasSeveral) && !await session.TryConnectAsync(cancellationToken))
            return command.Command.FailureExitCode;

        CommandInvocation invocation = new(command, session, output, host, options.IsQuiet, cancellationToken);
        try
        {
            await command.Command.Execute(invocation);
            return invocation.HasFailed ? CliProgram.Failure : CliProgram.Success;
        }
        catch (CommandException e)
        {
            foreach (string line in e.Lines)
                output.Error(line);
            if ((e.Hint ?? OfReadOnly(e.InnerException as LibvirtException)) is { } hint && !host.IsVirsh)
                output.Hint(hint);
        }
        catch (LibvirtException e)
        {
            output.Error(e.Message);
            if (OfReadOnly(e) is { } hint && !host.IsVirsh)
                output.Hint(hint);
        }
        finally
        {
            _isDocument = invocation.IsDocument;
        }

        return command.Command.FailureExitCode;
    }

    // The error names a function of the C library.
    private string? OfReadOnly(LibvirtException? error) => error?.Code == ErrorCode.OperationDenied && session.IsReadOnly
        ? "the connection is read-only (-r, or connect --readonly): nothing can be changed through it"
        : null;
}
