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
        bool opensItself = commands.Count > 0 && commands.All(command => command.Command.OpensConnections);
        if (options.Uri is not null && !opensItself && !await TryConnectAsync(cancellationToken))
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

        CommandInvocation invocation = new(command, _connection, output, host, options.IsQuiet, cancellationToken) { Group = OpenGroup };
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

    private string? DefaultUri => host.Variable("VIRSH_DEFAULT_CONNECT_URI");

    private ConnectionOptions ConnectionOptions => ConnectionOptions.Default with
    {
        ReadOnly = options.IsReadOnly,
        TimeProvider = host.TimeProvider,
    };

    private static string? OrDefault(string? uri) => string.IsNullOrEmpty(uri) ? null : uri;

    private ConnectionGroup OpenGroup()
    {
        IEnumerable<string?> uris = options.Uris.Count > 0 ? options.Uris : (IEnumerable<string?>)[DefaultUri];
        return new(uris.Select(OrDefault).Distinct(), ConnectionOptions, open: (uri, how, token) => host.Open(uri, how, token));
    }

    private async ValueTask<bool> TryConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is not null)
            return true;

        try
        {
            _connection = await host.Open(OrDefault(options.Uri ?? DefaultUri), ConnectionOptions, cancellationToken);
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
