using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Drivers.Qemu;

/// <summary>One QEMU process that was found, who it may be taken for, and how it may be asked.</summary>
internal sealed class HostedQemu
{
    private readonly TimeProvider _time;
    private readonly bool _isTrusted;
    private QmpMonitor? _monitor;
    private QmpHello? _hello;
    private bool _wasSilent;

    private HostedQemu(QemuProcess process, TimeProvider time, bool isTrusted)
    {
        Process = process;
        _time = time;
        _isTrusted = isTrusted;
        Said = isTrusted
            ? QemuDomain.Identify(process, process.Pid, null, Guid.Empty)
            : new DomainIdentity($"qemu-{process.Pid}", process.DeriveUuid(), process.Pid);
    }

    public QemuProcess Process { get; }

    /// <summary>
    /// Who the process is: what its monitor said, or else its command line. Of one that is not trusted nothing is
    /// believed: it could take another domain's name.
    /// </summary>
    public DomainIdentity Said { get; private set; }

    /// <summary>Why the process must not be asked; null where it may.</summary>
    public Func<LibvirtException>? Refusal { get; private set; }

    /// <summary>Whether somebody was reached, and still is.</summary>
    public bool IsCurrent => _monitor is null || (_monitor.IsConnected && ReferenceEquals(_hello, _monitor.Hello));

    /// <summary>Looks at a process that is called as QEMU is.</summary>
    public static HostedQemu Inspect(
        QemuProcess process, uint uid, QemuTrust trust, IReadOnlyDictionary<string, string> mounts, TimeProvider time)
    {
        string? distrust = trust.Refuse(process, uid);
        HostedQemu hosted = new(process, time, distrust is null);
        if (distrust is not null)
            hosted.Refusal = () => QmpErrors.NotTrusted(hosted.Said.Name, distrust);
        else
            hosted.ChooseMonitor(uid, mounts);
        return hosted;
    }

    /// <summary>
    /// Connects where it may and is not; a failure is told by the calls that follow. A monitor that was silent before is
    /// tried again without anybody waiting for it.
    /// </summary>
    public async Task ConnectAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_monitor is null)
            return;
        try
        {
            Task connecting = _monitor.EnsureConnectedAsync(timeout, cancellationToken);
            if (!_wasSilent || connecting.IsCompleted)
                await connecting.ConfigureAwait(false);
            else
                _ = connecting.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            _wasSilent &= !_monitor.IsConnected;
        }
        catch (Exception e) when (e is LibvirtException or ObjectDisposedException)
        {
            // The process may also be gone, and its monitor released, meanwhile.
            _wasSilent = e is LibvirtException { Code: ErrorCode.OperationTimeout };
            return;
        }

        if (_monitor.Hello is { } hello && !ReferenceEquals(hello, _hello))
        {
            _hello = hello;
            Guid uuid = Guid.TryParse(hello.Uuid, out Guid said) ? said : Guid.Empty;
            Said = QemuDomain.Identify(Process, Process.Pid, hello.Name, uuid);
        }
    }

    public QemuDomain ToDomain(DomainIdentity identity) => _monitor is null
        ? new QemuDomain(identity, Process, Refusal!)
        : new QemuDomain(identity, Process, _monitor);

    public async ValueTask ReleaseAsync()
    {
        if (_monitor is not null)
            await MonitorRegistry.ReleaseAsync(_monitor, _time).ConfigureAwait(false);
    }

    // The first of several that may be asked; the reason of the first where none may.
    private void ChooseMonitor(uint uid, IReadOnlyDictionary<string, string> mounts)
    {
        foreach (MonitorSocket socket in Process.CommandLine.Monitors)
        {
            string? absolute = Process.CommandLine.AbsolutePath(socket);
            if (MonitorManager.Of(socket with { Path = absolute ?? socket.Path }) is { } manager)
            {
                Refusal ??= () => QmpErrors.Managed(Said.Name, manager);
            }
            else if (absolute is null)
            {
                Refusal ??= () => QmpErrors.NoMonitor(Said.Name);
            }
            else if (!SafeSocketPath.TryResolve(Process.InOwnRoot(absolute), mounts, out string path, out string? why))
            {
                Refusal ??= () => QmpErrors.NotTrusted(Said.Name, why!);
            }
            else
            {
                _monitor = MonitorRegistry.Acquire(path, _time);
                _monitor.ExpectedUid = uid;
                Refusal = null;
                return;
            }
        }

        Refusal ??= () => QmpErrors.NoMonitor(Said.Name);
    }
}
