using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu;

/// <summary>The QEMU processes of this host that were seen, each once; those that ended are forgotten.</summary>
internal sealed class QemuProcesses
{
    private readonly Dictionary<int, QemuProcess> _known = [];

    /// <summary>All that are there now.</summary>
    public IReadOnlyCollection<QemuProcess> Look()
    {
        Forget();
        foreach (int pid in ProcessTable.Pids())
        {
            if (!_known.ContainsKey(pid) && QemuProcess.Find(pid) is { } process)
                _known[pid] = process;
        }

        return _known.Values;
    }

    /// <summary>The QEMU with an id; null where there is none.</summary>
    public QemuProcess? Find(int pid)
    {
        if (_known.TryGetValue(pid, out QemuProcess? known) && known.IsSame)
            return known;
        _known.Remove(pid);
        if (QemuProcess.Find(pid) is not { } process)
            return null;
        return _known[pid] = process;
    }

    // What an ended process kept open is left to the finalizers of its handles: a call may be reading it.
    private void Forget()
    {
        foreach ((int pid, QemuProcess process) in _known.ToArray())
        {
            if (!process.IsSame)
                _known.Remove(pid);
        }
    }
}
