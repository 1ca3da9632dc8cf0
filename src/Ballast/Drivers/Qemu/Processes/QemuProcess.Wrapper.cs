using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

// Programs that start a QEMU under its own name, and wait for its end.
internal sealed partial class QemuProcess
{
    /// <summary>The process that made it, or has taken it over since; 0 where /proc does not show that one.</summary>
    public int ParentPid => _told.ParentPid;

    /// <summary>
    /// Whether it only waits for a QEMU that it made and that bears the same command line, whatever threads it has for that. Who listens
    /// at what the command line names is the guest; what either inherited or does besides says nothing.
    /// </summary>
    public bool IsWrapperOf(QemuProcess child, HostView view) =>
        child != this && child.ParentPid == Pid && child.CommandLine.Mark == CommandLine.Mark && !IsStranger && !child.IsStranger
        && ListensAsTold(view) == false && child.ListensAsTold(view) == true;

    // Null where nobody could tell.
    private bool? ListensAsTold(HostView view)
    {
        using LookTrouble trouble = new();
        if (SocketsIn(view) is not { } own || view.Sockets(NetNamespace.Of(Pid) ?? NetNamespace.Own) is not { } table)
            return null;
        bool listens = own.Inodes.Any(inode => CommandLine.Binds(table.Find(inode)?.Name));
        return trouble.Failure is null ? listens : null;
    }
}
