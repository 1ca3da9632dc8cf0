namespace Ballast.Rpc;

/// <summary>What a client shares with others.</summary>
internal interface IRpcShare
{
    /// <summary>Whether it waits for a turn before its calls are handled.</summary>
    bool HasTurns { get; }

    ValueTask EnterAsync(CancellationToken cancellationToken);

    void Leave();

    /// <summary>A call is under way that was not answered at once.</summary>
    void CallBegan();

    void CallEnded();

    /// <summary>The client does not read what it was sent, and is waited for; false: too many do so, and it is given up.</summary>
    bool TryBlock();

    void Unblock();
}
