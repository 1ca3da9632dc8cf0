namespace Ballast.Daemon;

/// <summary>The sockets on which the daemon accepts clients: its own, or those that it was passed.</summary>
internal interface IListenSockets : IDisposable
{
    /// <summary>The number of the descriptor for reading and changing; null where there is none.</summary>
    ulong? ReadWriteDescriptor { get; }

    /// <summary>The number of the descriptor for reading only; null where there is none.</summary>
    ulong? ReadOnlyDescriptor { get; }

    /// <summary>Where they are, as the log says it.</summary>
    string Description { get; }

    /// <summary>Lets another group in.</summary>
    /// <exception cref="IOException">The socket cannot be given to it.</exception>
    void OpenTo(uint? group);

    /// <summary>Takes away what the daemon put there: who comes now finds nobody.</summary>
    void Remove();
}
