using System.Globalization;

namespace Ballast;

/// <summary>One member of a <see cref="ConnectionGroup"/>: a URI and, while it is open, its connection.</summary>
public sealed class ConnectionGroupMember
{
    private readonly ConnectionOptions _options;
    private readonly TimeSpan _timeout;
    private readonly Func<string?, ConnectionOptions, CancellationToken, ValueTask<Connection>> _open;
    private readonly CancellationToken _end;
    private readonly Lock _gate = new();
    private Connection? _connection;
    private Task<Connection>? _opening;
    private bool _closed, _hasOpened;

    internal ConnectionGroupMember(
        string? uri, ConnectionOptions options, TimeSpan timeout, Func<string?, ConnectionOptions, CancellationToken, ValueTask<Connection>> open,
        CancellationToken end) =>
        (Uri, _options, _timeout, _open, _end) = (uri, options, timeout, open, end);

    /// <summary>The given URI; null for the default one.</summary>
    public string? Uri { get; }

    /// <summary>The open connection; null if there is none.</summary>
    public Connection? Connection
    {
        get
        {
            lock (_gate)
                return _connection is { IsAlive: true } open ? open : null;
        }
    }

    /// <summary>Asks this connection, and opens it first if necessary.</summary>
    /// <typeparam name="T">The type of the answer.</typeparam>
    /// <param name="question">Asks the connection. The token is cancelled at the deadline.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <returns>
    /// The answer, or the error of opening the connection or of the question. <see cref="ErrorCode.OperationTimeout"/>: the deadline
    /// passed; the question may still be running.
    /// </returns>
    /// <exception cref="ObjectDisposedException">The group is closed.</exception>
    public async ValueTask<ConnectionAnswer<T>> AskAsync<T>(
        Func<Connection, CancellationToken, ValueTask<T>> question, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(question);
        ObjectDisposedException.ThrowIf(_closed, typeof(ConnectionGroup));
        using CancellationTokenSource patience = new(_timeout, _options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token, _end);
        CancellationToken token = either.Token;
        try
        {
            Connection connection = await JoinOpening().WaitAsync(token).ConfigureAwait(false);

            // On a thread of its own: what blocks it delays no other connection.
            Task<T> asking = Task.Run(() => question(connection, token).AsTask(), CancellationToken.None);
            Forget(asking);
            return new(this, await asking.WaitAsync(token).ConfigureAwait(false), null);
        }
        catch (LibvirtException e)
        {
            return new(this, default, e);
        }
        catch (ObjectDisposedException) when (!_end.IsCancellationRequested)
        {
            // It was lost, and another question has opened a new one meanwhile.
            return new(this, default, LibvirtError.Report(ErrorCode.InternalError, ErrorOrigin.Rpc, "the connection was lost"));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            ObjectDisposedException.ThrowIf(_end.IsCancellationRequested, typeof(ConnectionGroup));
            return new(this, default, NoAnswer());
        }
    }

    internal async ValueTask CloseAsync()
    {
        Connection? connection;
        lock (_gate)
        {
            if (_closed)
                return;
            _closed = true;
            connection = _connection;
        }

        if (connection is not null)
            await connection.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>The connection, or the attempt that is under way: one for all who ask.</summary>
    private Task<Connection> JoinOpening()
    {
        lock (_gate)
        {
            if (_connection is { IsAlive: true } open)
                return Task.FromResult(open);
            if (_connection is { } lost)
                Forget(lost.DisposeAsync().AsTask());
            _connection = null;
            if (_opening is not { IsCompleted: false })
            {
                _opening = OpenAsync();
                Forget(_opening);
            }

            return _opening;
        }
    }

    private async Task<Connection> OpenAsync()
    {
        using CancellationTokenSource patience = new(_timeout, _options.TimeProvider);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _end);
        CancellationToken token = either.Token;

        // To come back after a loss, nobody is asked in the middle of what is shown.
        ConnectionOptions how = _hasOpened ? _options with { AskAtTerminal = false } : _options;
        Task<Connection> opening = Task.Run(() => _open(Uri, how, token).AsTask(), CancellationToken.None);
        Connection connection;
        try
        {
            connection = await opening.WaitAsync(token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            // Should it be opened all the same, nobody wants it any more.
            Forget(CloseLateAsync(opening));
            throw NoAnswer();
        }

        lock (_gate)
        {
            _hasOpened = true;
            if (!_closed)
                return _connection = connection;
        }

        await connection.DisposeAsync().ConfigureAwait(false);
        throw new ObjectDisposedException(nameof(ConnectionGroup));
    }

    private static async Task CloseLateAsync(Task<Connection> opening)
    {
        Connection connection = await opening.ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    // Its failure is nobody's: whoever waits for it learns it there.
    private static void Forget(Task task) =>
        _ = task.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private LibvirtException NoAnswer() => LibvirtError.Report(
        ErrorCode.OperationTimeout, ErrorOrigin.Rpc, string.Create(CultureInfo.InvariantCulture, $"{Uri ?? "the default connection"} did not answer within {_timeout.TotalSeconds:0.###} s"));
}
