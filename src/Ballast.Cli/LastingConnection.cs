using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli;

/// <summary>
/// The connection of a command that runs until it is stopped. If the connection is lost, it is opened again, however long that takes, and
/// the command shows nothing meanwhile. Under the name virsh, the command ends instead, because virsh has no words for a gap.
/// </summary>
internal sealed class LastingConnection(CommandInvocation invocation)
{
    private const int AccessDenied = 13;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250), LongestPause = TimeSpan.FromSeconds(10);

    // Who hears nothing for so long has a connection that stands all the same.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time = invocation.TimeProvider;
    private long _openedAt;

    // It grows until an answer comes: a daemon that lets everybody in and dies of the first question is not asked more often than one
    // that is away.
    private TimeSpan _pause = FirstPause;

    // Opened again, and nothing has come through it yet; and whether nobody was told of it, as the one before had ended like that.
    private bool _isUnproven, _isReturnUntold;

    // What was said since it was last said to be back.
    private string? _loss, _failure;
    private bool _isRefused;

    /// <summary>
    /// What the command needs of a connection that was opened again, before that counts as back. Where the connection is lost under it, all
    /// begins anew.
    /// </summary>
    public Func<Connection, CancellationToken, Task>? Prepare { get; init; }

    /// <summary>Whether it hears of things when they happen, rather than asks: it was deaf before the loss was noticed, and nobody knows how long.</summary>
    public bool Listens { get; init; }

    /// <summary>When the last answer came, in ticks of the time provider.</summary>
    public long SeenAt { get; private set; } = invocation.TimeProvider.GetTimestamp();

    /// <summary>How often it was opened again.</summary>
    public int Returns { get; private set; }

    /// <summary>
    /// Whether a call failed because nobody answers any more. A call that takes too long says that only where nothing else would: a daemon
    /// that is probed and alive may have a guest for which it waits.
    /// </summary>
    public bool IsLost(LibvirtException error) => !invocation.IsVirsh && invocation.Connection is { IsRemote: true } connection
        && (!connection.IsAlive || (invocation.Session.LongestSilence == TimeSpan.Zero && IsLate(error)));

    /// <summary>An answer came just now, or an event.</summary>
    public void NoteSeen()
    {
        if (_isReturnUntold)
            TellReturn();
        _pause = FirstPause;
        _isUnproven = false;
        SeenAt = _time.GetTimestamp();
    }

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
            catch (LibvirtException e) when (IsLost(e) || IsLate(e))
            {
                if (!IsLost(e) && !await FallsSilentAsync())
                    throw;
                await ReopenAsync(e.Message, invocation.CancellationToken);
            }
        }
    }

    private static bool IsLate(LibvirtException error) => error is { Code: ErrorCode.OperationTimeout, Origin: ErrorOrigin.Rpc or ErrorOrigin.Remote };

    // The call's deadline may come before that of the probes.
    private async Task<bool> FallsSilentAsync()
    {
        if (invocation.IsVirsh || !invocation.Connection.IsRemote)
            return false;
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(invocation.CancellationToken);
        bool isSilent = await LossBeforeAsync(Task.Delay(invocation.Session.LongestSilence, _time, end.Token)) is not null;
        await end.CancelAsync();
        invocation.CancellationToken.ThrowIfCancellationRequested();
        return isSilent;
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
        if (Listens && (!_isUnproven || _time.GetElapsedTime(_openedAt) >= Settling))
            NoteSeen();
        bool isDoubted = _isUnproven;
        if (!invocation.IsQuiet)
            why = await invocation.Session.WhyLostAsync() ?? why;
        TellNews(ref _loss, invocation.Warn, $"{why}; trying to connect again");

        do
        {
            await Task.Delay(_pause, _time, token);
            _pause = _pause + _pause < LongestPause ? _pause + _pause : LongestPause;
        }
        while (!await TryReopenAsync(token) || (Listens && isDoubted && !await SettlesAsync(token)));
        Returns++;
        (_isUnproven, _openedAt, _isReturnUntold) = (true, _time.GetTimestamp(), isDoubted);
        if (!isDoubted)
            TellReturn();
        else if (Listens)
            NoteSeen();
    }

    private async Task<bool> SettlesAsync(CancellationToken token)
    {
        Task settled = Task.Delay(Settling, _time, token);
        if (await LossBeforeAsync(settled) is not null)
            return false;
        await settled;
        return true;
    }

    private async Task<bool> TryReopenAsync(CancellationToken token)
    {
        Connection connection;
        try
        {
            connection = await invocation.Session.ReopenAsync(token);
            _isRefused = false;
        }
        catch (LibvirtException e) when (e.IsUnreachable && !(e.Int1 == AccessDenied && _isRefused))
        {
            // A daemon that has just made its socket may not have opened it to its group yet.
            _isRefused = e.Int1 == AccessDenied;
            return Fails(e);
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
            return Fails(e);
        }
    }

    private bool Fails(LibvirtException error)
    {
        TellNews(ref _failure, invocation.Remark, $"not connected yet: {error.Message}");
        return false;
    }

    private void TellReturn()
    {
        string duration = MemoryRemark.Duration(_time.GetElapsedTime(SeenAt));
        Tell(invocation.Remark, $"connected again; nothing was seen for {(Listens ? "at least " : "")}{duration}");
        (_isReturnUntold, _loss, _failure) = (false, null, null);
    }

    private void TellNews(ref string? told, Action<string> say, string text)
    {
        if (text != told)
            Tell(say, text);
        told = text;
    }

    private void Tell(Action<string> say, string text)
    {
        if (invocation.IsQuiet)
            return;
        invocation.ShowProgress("");
        say($"{invocation.Connection.Uri}: {text}");
    }
}
