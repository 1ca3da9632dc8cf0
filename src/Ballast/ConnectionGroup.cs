using System.Runtime.CompilerServices;
using Ballast.Drivers;

namespace Ballast;

/// <summary>
/// Connections to several hypervisors, opened and asked concurrently. Each has its own deadline, so one that does not answer
/// does not delay the others, and an error affects only its own connection. A connection is opened when it is first asked, and
/// reopened after it was lost. The group is thread-safe.
/// </summary>
/// <example>
/// <code>
/// await using ConnectionGroup hosts = new(["qmp:///", "qemu+unix:///system?socket=/run/other.sock"]);
/// await foreach (ConnectionAnswer&lt;IReadOnlyList&lt;DomainMemorySample&gt;&gt; answer in hosts.AskEachAsync(
///     (connection, token) => connection.GetAllMemoryStatsAsync(cancellationToken: token)))
/// {
///     Console.WriteLine($"{answer.Member.Uri}: {answer.Error?.Message ?? $"{answer.Value!.Count} guests"}");
/// }
/// </code>
/// </example>
public sealed class ConnectionGroup : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Slack = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _end = new();

    /// <summary>Creates a group without opening a connection.</summary>
    /// <param name="uris">The URIs, as for <see cref="Connection.OpenAsync"/>; null stands for the default one.</param>
    /// <param name="options">The options of each connection.</param>
    /// <param name="timeout">
    /// The deadline of each answer, including the time to open the connection; above zero. Null: 5 seconds. A URI with a longer
    /// <c>timeout=</c> of its own gets that plus a second, so that its own error, which says more, comes first.
    /// </param>
    /// <param name="open">Opens a connection; null: <see cref="Connection.OpenAsync"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The timeout is not above zero.</exception>
    public ConnectionGroup(
        IEnumerable<string?> uris, ConnectionOptions? options = null, TimeSpan? timeout = null,
        Func<string?, ConnectionOptions, CancellationToken, ValueTask<Connection>>? open = null)
    {
        ArgumentNullException.ThrowIfNull(uris);
        TimeSpan patience = timeout ?? Patience;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(patience, TimeSpan.Zero, nameof(timeout));
        Members = [.. uris.Select(uri => new ConnectionGroupMember(uri, options ?? ConnectionOptions.Default, Deadline(uri, patience), open ?? Connection.OpenAsync, _end.Token))];
    }

    /// <summary>The connections, in the order of the URIs.</summary>
    public IReadOnlyList<ConnectionGroupMember> Members { get; }

    /// <summary>
    /// Asks all connections the same question, and returns the answers in the order of <see cref="Members"/>. It takes no longer than the
    /// longest deadline.
    /// </summary>
    /// <typeparam name="T">The type of an answer.</typeparam>
    /// <param name="question">Asks one connection. The token is cancelled at the deadline.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async ValueTask<IReadOnlyList<ConnectionAnswer<T>>> AskAsync<T>(
        Func<Connection, CancellationToken, ValueTask<T>> question, CancellationToken cancellationToken = default) =>
        await Task.WhenAll(Members.Select(member => member.AskAsync(question, cancellationToken).AsTask())).ConfigureAwait(false);

    /// <summary>Asks all connections the same question, and yields each answer as soon as it arrives.</summary>
    /// <typeparam name="T">The type of an answer.</typeparam>
    /// <param name="question">Asks one connection. The token is cancelled at the deadline.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async IAsyncEnumerable<ConnectionAnswer<T>> AskEachAsync<T>(
        Func<Connection, CancellationToken, ValueTask<T>> question, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        IEnumerable<Task<ConnectionAnswer<T>>> asking = Members.Select(member => member.AskAsync(question, cancellationToken).AsTask());
        await foreach (Task<ConnectionAnswer<T>> answer in Task.WhenEach(asking).ConfigureAwait(false))
            yield return await answer.ConfigureAwait(false);
    }

    // As of all layers: each waits longer than the one below it.
    private static TimeSpan Deadline(string? uri, TimeSpan patience)
    {
        try
        {
            return uri is not null && ConnectUri.TryParse(uri, out ConnectUri? parsed) && parsed.Timeout(ErrorOrigin.Rpc) + Slack is { } named && named > patience
                ? named : patience;
        }
        catch (LibvirtException)
        {
            // Whoever opens it says what is wrong with it.
            return patience;
        }
    }

    /// <summary>Closes all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] closing = [.. Members.Select(member => member.CloseAsync().AsTask())];
        await _end.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(closing).ConfigureAwait(false);
    }
}
