using System.Globalization;
using Ballast.Cli.Log;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Microsoft.Extensions.Logging;

namespace Ballast.Cli;

/// <summary>
/// What the commands of one run share: the connection, which is opened when the first of them needs it and again after it was
/// lost, and whether more is to come.
/// </summary>
internal sealed class CommandSession(GlobalOptions options, CliHost host, CommandOutput output, ILoggerFactory? log) : IAsyncDisposable
{
    // Why a connection was lost is known with the loss, or right after it.
    private static readonly TimeSpan LossPatience = TimeSpan.FromSeconds(1);

    private string? _uri = options.Uri;
    private CredentialPrompt? _prompt;
    private string? _lost;

    /// <summary>Null before the first command that needs one.</summary>
    public Connection? Connection { get; private set; }

    /// <summary>Whether somebody types the commands, one line after the other.</summary>
    public bool IsInteractive { get; init; }

    /// <summary>Whether commands that change something are refused.</summary>
    public bool IsReadOnly { get; private set; } = options.IsReadOnly;

    /// <summary>Whether no further command is to be run.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The URI to connect to; null: the default.</summary>
    public string? Uri => _uri ?? (host.Variable("VIRSH_DEFAULT_CONNECT_URI") is { Length: > 0 } uri ? uri : null);

    /// <summary>After what time a daemon that has died without a word is noticed by its silence; zero: never.</summary>
    public TimeSpan LongestSilence => HowToConnect(IsReadOnly) is var how ? how.KeepaliveInterval * (how.KeepaliveCount + 1) : default;

    public void End() => HasEnded = true;

    /// <summary>Makes sure that there is a connection; says so where there cannot be one.</summary>
    public async ValueTask<bool> TryConnectAsync(CancellationToken cancellationToken)
    {
        if (Connection is { IsAlive: false })
            await TellLossAsync();
        if (Connection is not null)
            return true;
        if (!await TryOpenAsync(_lost ?? Uri, IsReadOnly, _lost is not null ? "Failed to reconnect to the hypervisor" : "failed to connect to the hypervisor", cancellationToken))
            return false;
        if (_lost is not null)
            output.Error("Reconnected to the hypervisor");
        _lost = null;
        return true;
    }

    /// <summary>
    /// Reopens the lost connection with the same URI, also if that was the default one. Until this succeeds, the lost connection stays. It
    /// never prompts: the command is in the middle of its output, and may run in the background.
    /// </summary>
    /// <exception cref="LibvirtException">It cannot be opened.</exception>
    public async ValueTask<Connection> ReopenAsync(CancellationToken cancellationToken)
    {
        Connection lost = Connection!;
        ConnectionOptions how = HowToConnect(IsReadOnly) with { AskCredential = _prompt is null ? null : _prompt.RepeatAsync, AskAtTerminal = false };
        Connection = await host.Open(lost.Uri, how, cancellationToken);
        await lost.DisposeAsync();
        return Connection;
    }

    /// <summary>Connects to another hypervisor, or to the same again: what simulated guests went through ends with their last connection. Where that
    /// fails, the one that was named before is connected to again when it is needed.</summary>
    /// <param name="uri">Null: the one that was named last.</param>
    /// <param name="isReadOnly">Whether to refuse changes from now on. The same URI again never allows more than before.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async ValueTask<bool> ReplaceAsync(string? uri, bool isReadOnly, CancellationToken cancellationToken)
    {
        isReadOnly |= uri is null && IsReadOnly;
        if (Connection is { } former)
        {
            Connection = null;
            await former.DisposeAsync();
        }

        if (!await TryOpenAsync(uri ?? Uri, isReadOnly, "failed to connect to the hypervisor", cancellationToken))
            return false;
        _uri = uri ?? _uri;
        IsReadOnly = isReadOnly;
        _lost = null;
        return true;
    }

    /// <summary>Whether several connections were named, of which virsh takes the last.</summary>
    public bool HasSeveral => !host.IsVirsh && Named.Count() > 1;

    /// <summary>The connections that were named, or the one that commands use; not opened yet.</summary>
    /// <param name="timeout">The deadline of each answer; null: the library's.</param>
    public ConnectionGroup OpenGroup(TimeSpan? timeout = null)
    {
        // Where none was named, what was chosen first is what is opened again: while a daemon is away, its monitors are not taken from it.
        string? chosen = null;
        return new(Named, HowToConnect(IsReadOnly), timeout, async (uri, how, token) =>
        {
            Connection opened = await host.Open(uri ?? chosen, how, token);
            if (uri is null)
                chosen = opened.Uri;
            return opened;
        });
    }

    /// <summary>The QEMUs of this host, whichever connection commands use; it is the caller's to close.</summary>
    public ValueTask<Connection> OpenThisHostAsync(CancellationToken cancellationToken) =>
        host.Open("qmp:///", ConnectionOptions.Default with { ReadOnly = true, TimeProvider = host.TimeProvider }, cancellationToken);

    /// <summary>The same for one of them, which is its owner's to close.</summary>
    public CommandSession With(Connection connection) => new(options, host, output, log) { Connection = connection, IsReadOnly = IsReadOnly };

    private IEnumerable<string?> Named =>
        (options.Uris.Count > 0 && _uri == options.Uri ? options.Uris : (IEnumerable<string?>)[Uri]).Select(OrDefault).Distinct();

    public ValueTask DisposeAsync() => Connection?.DisposeAsync() ?? default;

    private static string? OrDefault(string? uri) => string.IsNullOrEmpty(uri) ? null : uri;

    private ConnectionOptions HowToConnect(bool isReadOnly)
    {
        ConnectionOptions how = ConnectionOptions.Default with
        {
            ReadOnly = isReadOnly,
            TimeProvider = host.TimeProvider,
            LoggerFactory = host.IsVirsh ? log : new StartWarning(output, log),
        };
        return options.Keepalive is { } keepalive ? how with { KeepaliveInterval = keepalive.Interval, KeepaliveCount = keepalive.Count } : how;
    }

    /// <summary>Why the connection was lost; null where nobody knows.</summary>
    public async ValueTask<string?> WhyLostAsync()
    {
        try
        {
            return Connection is { IsAlive: false } lost ? (await lost.Closed.WaitAsync(LossPatience, host.TimeProvider))?.Message : null;
        }
        catch (TimeoutException)
        {
            // It is lost all the same.
            return null;
        }
    }

    private async ValueTask TellLossAsync()
    {
        Connection lost = Connection!;
        output.Error($"Disconnected from {lost.Uri}{(await WhyLostAsync() is { } reason ? $": {reason}" : "")}");
        Connection = null;
        _lost = lost.Uri;
        await lost.DisposeAsync();
    }

    private async ValueTask<bool> TryOpenAsync(string? uri, bool isReadOnly, string failure, CancellationToken cancellationToken)
    {
        try
        {
            CredentialPrompt prompt = new(host, output);
            Connection opened = await host.Open(OrDefault(uri), HowToConnect(isReadOnly) with { AskCredential = prompt.AskAsync }, cancellationToken);
            string? refusal = options.Keepalive is not { Interval.Ticks: > 0 } ? null
                : !opened.IsRemote ? "this function is not supported by the connection driver: virConnectSetKeepAlive"
                : options.TooLongInterval is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"internal error: keepalive interval {seconds} too large")
                : null;
            if (refusal is not null)
            {
                await opened.DisposeAsync();
                output.Error("Cannot setup keepalive on connection as requested, disconnecting");
                output.Error(failure);
                output.Error(refusal);
                return false;
            }

            (Connection, _prompt) = (opened, prompt);
            return true;
        }
        catch (LibvirtException e)
        {
            output.Error(failure);
            output.Error(e.Message);
            if (!host.IsVirsh && ConnectHints.For(uri, e) is { } hint)
                output.Hint(hint);
            return false;
        }
    }
}
