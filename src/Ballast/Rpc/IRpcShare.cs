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

    /// <summary>
    /// Waits for a place for a long message, which it has from when it is read until it is answered. So what they cost is bounded,
    /// however many clients there are, and nobody has all places.
    /// </summary>
    ValueTask AdmitLargeMessageAsync(CancellationToken cancellationToken);

    void LeaveLargeMessage();

    /// <summary>The client does not read what it was sent, and is waited for; false: too many do so, and it is given up.</summary>
    bool TryBlock();

    void Unblock();
}
