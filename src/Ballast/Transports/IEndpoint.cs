namespace Ballast.Transports;

/// <summary>Where a daemon is: makes the way to it, as often as it is wanted.</summary>
internal interface IEndpoint
{
    /// <summary>The daemon, as an error calls it.</summary>
    string Daemon { get; }

    /// <summary>What to do where nobody answers; empty: nothing that would help.</summary>
    string Advice { get; }

    /// <summary>Whether nobody else can read what is sent there: only then is a password sent as it is.</summary>
    bool IsPrivate => false;

    /// <summary>Whether the daemon is on this host, so that its clock is ours.</summary>
    bool SharesClock => false;

    /// <param name="timeout">How long to try again where the daemon is only busy.</param>
    /// <param name="time">Where time comes from.</param>
    /// <param name="cancellationToken">Ends it in any case: the caller's deadline.</param>
    /// <exception cref="LibvirtException">There is no way to it.</exception>
    ValueTask<ITransport> ConnectAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken);
}
