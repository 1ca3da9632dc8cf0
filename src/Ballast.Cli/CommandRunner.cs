using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli;

/// <summary>Runs commands one after the other over one connection, which is opened when the first of them needs it.</summary>
internal sealed class CommandRunner(GlobalOptions options, CliHost host, CommandOutput output) : IAsyncDisposable
{
    private Connection? _connection;
    private bool _isDocument;

    /// <summary>Runs all; the last one's success is the whole's. An earlier failure stops nothing.</summary>
    public async ValueTask<bool> RunAsync(IReadOnlyList<ParsedCommand> commands, CancellationToken cancellationToken)
    {
        // As in virsh: a URI that was named is tried before anything runs, be it needed or not.
        if (options.Uri is not null && !await TryConnectAsync(cancellationToken))
            return false;

        bool succeeded = true;
        foreach (ParsedCommand command in commands)
        {
            long start = host.TimeProvider.GetTimestamp();
            succeeded = await RunAsync(command, cancellationToken);
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

    public ValueTask DisposeAsync() => _connection?.DisposeAsync() ?? default;

    private async ValueTask<bool> RunAsync(ParsedCommand command, CancellationToken cancellationToken)
    {
        if (command.Command.NeedsConnection && !await TryConnectAsync(cancellationToken))
            return false;

        CommandInvocation invocation = new(command, _connection, output, host, options.IsQuiet, cancellationToken);
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

    private async ValueTask<bool> TryConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is not null)
            return true;

        string? uri = options.Uri ?? host.Variable("VIRSH_DEFAULT_CONNECT_URI");
        ConnectionOptions connectionOptions = ConnectionOptions.Default with
        {
            ReadOnly = options.IsReadOnly,
            TimeProvider = host.TimeProvider,
            AskCredential = new CredentialPrompt(host, output).AskAsync,
        };
        try
        {
            _connection = await host.Open(string.IsNullOrEmpty(uri) ? null : uri, connectionOptions, cancellationToken);
            return true;
        }
        catch (LibvirtException e)
        {
            output.Error("failed to connect to the hypervisor");
            output.Error(e.Message);
            return false;
        }
    }
}
