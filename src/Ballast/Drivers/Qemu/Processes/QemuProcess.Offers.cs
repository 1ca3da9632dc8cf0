using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu.Processes;

// Which of its sockets are its monitors.
internal sealed partial class QemuProcess
{
    /// <summary>
    /// Whether a socket at which it listens is a monitor, and no serial line, agent or anything else behind which its guest may speak: its
    /// command line says what each is for. Null where not all that it was told is known.
    /// </summary>
    /// <param name="boundName">What the socket was bound to, as it was written; null where that is not known.</param>
    /// <param name="listener">The socket's own inode; 0 where that is not known.</param>
    public bool? Offers(string? boundName, uint listener)
    {
        if (IsStranger || (boundName is null && listener == 0))
            return null;
        if (CommandLine.Binds(boundName))
            return true;
        if (boundName is not null && CommandLine.Mentions(boundName) && !CommandLine.MayBecomeMonitor(boundName))
            return false;
        bool isAllKnown = CommandLine.UnreadConfiguration is null;
        foreach (MonitorSocket monitor in CommandLine.Monitors)
        {
            if (monitor.Descriptor is not { } descriptor)
                continue;

            // One that was passed has no name there: who may not look at it cannot tell.
            uint? passed = ProcessSockets.Read(Pid, descriptor);
            if (passed is not null && passed == listener)
                return true;
            isAllKnown &= passed is not null && listener != 0;
        }

        return isAllKnown ? false : null;
    }
}
