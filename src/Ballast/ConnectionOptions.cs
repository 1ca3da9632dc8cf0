using System.Collections.ObjectModel;
using Microsoft.Extensions.Logging;

namespace Ballast;

/// <summary>Options for opening a connection.</summary>
public sealed record ConnectionOptions
{
    /// <summary>The defaults.</summary>
    public static ConnectionOptions Default { get; } = new();

    /// <summary>Whether to refuse every call that changes something, before it reaches a driver.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// The longest wait for a QEMU's monitor in process (<c>qmp:</c>). Above zero; default: 2 seconds. A <c>timeout=</c>
    /// parameter in the URI overrides it.
    /// </summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The deadline of each call through a daemon (<c>qemu:</c>, <c>+unix</c>, <c>+ssh</c>, <c>+tls</c>, <c>+tcp</c>), and of opening such
    /// a connection as a whole. Above zero; default: 30 seconds. A daemon has deadlines of its own, and may need seconds
    /// right after its start. A dead daemon is usually detected sooner, by its silence. A <c>timeout=</c> parameter in the
    /// URI overrides it.
    /// </summary>
    public TimeSpan DaemonTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a daemon may be silent before it is probed, and the time between two probes. Zero, which turns probes off, to a day;
    /// default: 5 seconds. With the defaults, a silent daemon is given up after 25 seconds: before the deadline of calls
    /// (<see cref="DaemonTimeout"/>), so that their error says that the daemon is dead.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or longer than a day.</exception>
    public TimeSpan KeepaliveInterval
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, nameof(value));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromDays(1), nameof(value));
            field = value;
        }
    } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The number of unanswered probes after which a daemon is given up, one interval after the last. At least 0; default: 4.
    /// With 0, a daemon that is silent for an interval is given up without a probe.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int KeepaliveCount
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value, nameof(value));
            field = value;
        }
    } = 4;

    /// <summary>
    /// Additional users, besides this one and root, whose QEMUs <c>qmp:///</c> may use. A privileged program that trusted
    /// every user's processes could be misled.
    /// </summary>
    public IReadOnlyCollection<uint> TrustedUserIds { get; init; } = [];

    /// <summary>
    /// Directories whose monitors belong to a manager that Ballast does not know, with the manager's name. <c>qmp:///</c>
    /// lists these monitors with that name and leaves them alone, like libvirt's. Paths are absolute, as the QEMU process
    /// sees them, and include everything below the directory. A socket that is named explicitly is used anyway.
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
    /// Whether to reopen a lost connection to a daemon, including its subscriptions and watches. Calls in progress still fail
    /// once, a subscription yields <see cref="EventsMissed"/>, and a watch continues with the next samples. If the daemon
    /// refuses the connection (a password, a certificate), subscriptions and watches end with its error. The option does not
    /// apply to in-process connections.
    /// </summary>
    public bool Reconnect { get; init; }

    /// <summary>
    /// Whether code that awaits an answer may continue on the thread that received it, without a thread switch. No
    /// connection receives anything while that code runs, so the code must not block or run long before its next await.
    /// This is not guaranteed: most calls continue elsewhere.
    /// </summary>
    public bool UnsafePreferInlineContinuations { get; init; }

    /// <summary>
    /// Whether ssh (<c>qemu+ssh:</c>) may ask for passwords and about unknown keys, at the terminal or through <c>SSH_ASKPASS</c>. Default:
    /// true. It never asks when a lost connection is reopened (<see cref="Reconnect"/>, <see cref="ConnectionGroup"/>), or if the URI has
    /// <c>no_tty=1</c>.
    /// </summary>
    public bool AskAtTerminal { get; init; } = true;

    /// <summary>
    /// Supplies a user's name and password when a connection is opened: if a daemon asks for them (SASL) and libvirt's auth file
    /// does not have them, or if the file of a test host (<c>test:///FILE</c>) lists users. If it returns null, opening fails
    /// with <see cref="ErrorCode.AuthenticationFailed"/>. For a daemon, it is called on a thread of the thread pool and must
    /// return before the deadline of opening (<see cref="DaemonTimeout"/>). Null: only the auth file is used.
    /// </summary>
    public Func<CredentialRequest, CancellationToken, ValueTask<string?>>? AskCredential { get; init; }

    /// <summary>
    /// The factory of the logger (category <c>Ballast</c>) for events outside of calls: monitors that are lost, silent, refused
    /// or usable again; processes that are not used; daemons lost and reconnected. Null: no log. A thread of the thread pool
    /// writes the lines in order. docs/metrics.md lists them.
    /// </summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>The source of time for deadlines, ages and periods; default: the system's clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
