using System.Collections.ObjectModel;
using Microsoft.Extensions.Logging;

namespace Ballast;

/// <summary>How to open a connection.</summary>
public sealed record ConnectionOptions
{
    /// <summary>The defaults.</summary>
    public static ConnectionOptions Default { get; } = new();

    /// <summary>Refuse every call that changes something, before it reaches a driver.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// The longest that one wait on a QEMU's monitor may take, in process (<c>qmp:</c>); above zero, 2 seconds unless told.
    /// A <c>timeout=</c> parameter of the URI outranks it.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The longest that a call through a daemon (<c>qemu:</c>, <c>+unix</c>) may wait for its answer, and the whole opening
    /// of such a connection; above zero, 30 seconds unless told. A daemon has deadlines of its own, and one that was just
    /// started may need seconds. One that is dead is usually noticed sooner, by its silence. A <c>timeout=</c> parameter of
    /// the URI outranks it.
    /// </summary>
    public TimeSpan DaemonTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Users, beside this one and root, whose QEMUs <c>qmp:///</c> may ask. A privileged program that followed anybody's
    /// process could be led astray.
    /// </summary>
    public IReadOnlyCollection<uint> TrustedUserIds { get; init; } = [];

    /// <summary>
    /// Directories whose monitors belong to a manager that Ballast does not know by itself, and the manager's name for each:
    /// <c>qmp:///</c> lists them with that name and leaves them alone, as libvirt's. Paths are absolute, as the QEMUs know
    /// them; everything below a directory counts. Naming a socket still is consent to use it.
    /// </summary>
    /// <exception cref="ArgumentException">A directory is not an absolute path, or a name is empty.</exception>
    public IReadOnlyDictionary<string, string> ManagedDirectories
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            foreach ((string directory, string manager) in value)
            {
                if (!directory.StartsWith('/'))
                    throw new ArgumentException($"'{directory}' is not an absolute path.", nameof(value));
                ArgumentException.ThrowIfNullOrWhiteSpace(manager, nameof(value));
            }

            field = value;
        }
    } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>
    /// Open a lost connection to a daemon again, subscriptions included. Who was using it is told of the loss all the same,
    /// once; a subscription yields <see cref="EventsMissed"/>. Connections in process need no telling.
    /// </summary>
    public bool Reconnect { get; init; }

    /// <summary>
    /// Whether code that awaits an answer may go on upon the thread that received it, without a change of threads in
    /// between. Nothing more is received by any connection while it runs: only for code that neither blocks nor takes long
    /// before it awaits the next thing. No promise: most calls go on elsewhere.
    /// </summary>
    public bool UnsafePreferInlineContinuations { get; init; }

    /// <summary>
    /// Who is told what the connection notices beside its calls, as category <c>Ballast</c>: monitors lost, silent, refused,
    /// and back; processes that are not asked; daemons lost and found again. Null: nobody. The lines are written in order by a
    /// worker of the thread pool. docs/metrics.md lists them.
    /// </summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>Where time comes from.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
