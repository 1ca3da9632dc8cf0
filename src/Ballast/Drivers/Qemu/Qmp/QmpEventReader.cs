namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>Reads the events of QEMU's that tell of the guest's life.</summary>
internal static class QmpEventReader
{
    /// <summary>Which event about the life of the guest it is.</summary>
    public static MonitorEvent Read(QmpMessage message) => message.Body switch
    {
        var name when name.SequenceEqual("\"STOP\""u8) => MonitorEvent.Stop,
        var name when name.SequenceEqual("\"RESUME\""u8) => MonitorEvent.Resume,
        var name when name.SequenceEqual("\"RESET\""u8) => MonitorEvent.Reset,
        var name when name.SequenceEqual("\"SHUTDOWN\""u8) =>
            QmpMembers.IsTrue(message.Data, "guest"u8) ? MonitorEvent.GuestShutdown : MonitorEvent.HostShutdown,
        var name when name.SequenceEqual("\"SUSPEND\""u8) => MonitorEvent.Suspend,
        var name when name.SequenceEqual("\"SUSPEND_DISK\""u8) => MonitorEvent.SuspendDisk,
        var name when name.SequenceEqual("\"WAKEUP\""u8) => MonitorEvent.Wakeup,
        var name when name.SequenceEqual("\"GUEST_PANICKED\""u8) =>
            QmpMembers.ReadText(message.Data, "action"u8) == "run" ? MonitorEvent.GuestPanickedAndRuns : MonitorEvent.GuestPanicked,
        var name when name.SequenceEqual("\"GUEST_CRASHLOADED\""u8) => MonitorEvent.GuestCrashLoaded,
        var name when name.SequenceEqual("\"WATCHDOG\""u8) && QmpMembers.ReadText(message.Data, "action"u8) == "pause" =>
            MonitorEvent.WatchdogPause,
        var name when name.SequenceEqual("\"BLOCK_IO_ERROR\""u8) && QmpMembers.ReadText(message.Data, "action"u8) == "stop" =>
            MonitorEvent.IOErrorStop,
        _ => MonitorEvent.None,
    };
}
