using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli;

/// <summary>
/// The connection of a command that goes on until it is stopped: where it is lost, it is opened again, however long that takes. Nothing is
/// shown meanwhile. Under virsh's name, which says nothing of it, the command ends instead.
/// </summary>
internal sealed class LastingConnection(CommandInvocation invocation)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250), LongestPause = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time = invocation.TimeProvider;
    private long _seenAt = invocation.TimeProvider.GetTimestamp();

    /// <summary>
    /// What the command needs of a connection that was opened again, before that counts as back. Where the connection is lost under it, all
    /// begins anew.
    /// </summary>
    public Func<Connection, CancellationToken, Task>? Prepare { get; init; }

    /// <summary>Whether it hears of things when they happen, rather than asks: it was deaf before the loss was noticed, and nobody knows how long.</summary>
    public bool Listens { get; init; }

    /// <summary>Whether a call failed because nobody answers any more.</summary>
    public bool IsLost(LibvirtException error) => !invocation.IsVirsh && invocation.Connection is { IsRemote: true } connection
        && (!connection.IsAlive || error is { Code: ErrorCode.OperationTimeout, Origin: ErrorOrigin.Rpc or ErrorOrigin.Remote });

    /// <summary>An answer came just now.</summary>
    public void NoteSeen() => _seenAt = _time.GetTimestamp();

    /// <summary>Asks, and asks again where the connection was lost and is back.</summary>
    public async Task<T> AskAsync<T>(Func<Task<T>> question)
    {
        while (true)
        {
            try
            {
                T answer = await question();
                NoteSeen();
                return answer;
            }
            catch (LibvirtException e) when (IsLost(e))
            {
                await ReopenAsync(e.Message, invocation.CancellationToken);
            }
        }
    }

    /// <summary>Waits; a connection that is lost meanwhile is opened again at once.</summary>
    public async Task WaitAsync(Task due)
    {
        if (await LossBeforeAsync(due) is { } why)
            await ReopenAsync(why, invocation.CancellationToken);
        await due;
    }

    /// <summary>Why the connection was lost before something else happened; null where it was not.</summary>
    public async Task<string?> LossBeforeAsync(Task due)
    {
        if (invocation.IsVirsh)
            return null;
        Task<LibvirtException?> closed = invocation.Connection.Closed;
        return await Task.WhenAny(due, closed) == closed && !due.IsCompleted ? (await closed)?.Message ?? "it was closed" : null;
    }

    /// <summary>Opens the connection again, at the same place, with growing pauses.</summary>
    /// <param name="why">Why it was lost, as far as the caller knows.</param>
    /// <param name="token">Gives up.</param>
    /// <exception cref="CommandException">Somebody is there again, and refuses.</exception>
    public async Task ReopenAsync(string why, CancellationToken token)
    {
        string uri = invocation.Connection.Uri;
        if (Listens)
            NoteSeen();
        if (!invocation.IsQuiet)
        {
            why = await invocation.Session.WhyLostAsync() ?? why;
            invocation.ShowProgress("");
            invocation.Warn($"{uri}: {why}; trying to connect again");
        }

        for (TimeSpan pause = FirstPause; ; pause = pause + pause < LongestPause ? pause + pause : LongestPause)
        {
            await Task.Delay(pause, _time, token);
            if (await TryReopenAsync(token))
                break;
        }

        if (!invocation.IsQuiet)
        {
            invocation.ShowProgress("");
            invocation.Remark($"{uri}: connected again; nothing was seen for {(Listens ? "at least " : "")}{MemoryRemark.Duration(_time.GetElapsedTime(_seenAt))}");
        }
    }

    private async Task<bool> TryReopenAsync(CancellationToken token)
    {
        Connection connection;
        try
        {
            connection = await invocation.Session.ReopenAsync(token);
        }
        catch (LibvirtException e) when (e.IsUnreachable)
        {
            return false;
        }
        catch (LibvirtException e)
        {
            throw new CommandException("Failed to reconnect to the hypervisor", e);
        }

        try
        {
            if (Prepare is not null)
                await Prepare(connection, token);
            return true;
        }
        catch (LibvirtException e) when (IsLost(e))
        {
            return false;
        }
    }
}
