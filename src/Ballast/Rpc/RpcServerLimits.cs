namespace Ballast.Rpc;

/// <summary>How much one client may use.</summary>
internal sealed record RpcServerLimits
{
    /// <summary>Calls under way; more are not read before one of them is answered.</summary>
    public int MaxCalls { get; init; } = 32;

    /// <summary>Messages handled before others have their turn, where the worker that received them handles them.</summary>
    public int MaxInARow { get; init; } = 64;

    /// <summary>Whether the row ends where a message has to be waited for: whoever received it has served others by then.</summary>
    public bool EndsRowByWaiting { get; init; }

    /// <summary>Longest message; the longest that any client sends, a list of 16,384 domains, has a megabyte.</summary>
    public int MaxMessageBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Longest message of a client that is not let in yet.</summary>
    public int MaxMessageBytesBeforeAuthentication { get; init; } = 64 * 1024;

    /// <summary>Longest message that is read at any time; a longer one waits for one of few places.</summary>
    public int MaxFreeMessageBytes { get; init; } = 64 * 1024;

    /// <summary>How long such a message may take to come.</summary>
    public TimeSpan LargeMessageTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client that reads may take for one answer; one that takes longer is counted among those that do not.</summary>
    public TimeSpan ReadTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a client may take nothing of what it is sent.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
