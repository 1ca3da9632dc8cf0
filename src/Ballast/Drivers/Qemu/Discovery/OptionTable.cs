namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// Which of QEMU's options take the argument that follows, whatever it looks like. The list is a union over versions and
/// targets (none changed its mind so far); an option that is not listed takes none, which is harmless where it does
/// take one: an argument without a dash is a disk's image to QEMU and nothing to us.
/// </summary>
internal static class OptionTable
{
    // Short commands look up a few: what is made faster to look up takes longer to make than all that.
    private static readonly HashSet<string> WithArgument = new(
    [
        // The machine.
        "machine", "M", "cpu", "accel", "smp", "numa", "m", "mem-path", "boot", "rtc", "icount", "tb-size", "smbios", "acpitable",
        "bios", "pflash", "kernel", "append", "initrd", "dtb", "shim", "fw_cfg", "option-rom", "prom-env", "watchdog",
        "watchdog-action", "clock", "startdate", "seed",
        // Devices and what stands behind them.
        "device", "global", "set", "object", "fda", "fdb", "hda", "hdb", "hdc", "hdd", "cdrom", "blockdev", "drive", "mtdblock",
        "sd", "fsdev", "virtfs", "iscsi", "usbdevice", "netdev", "nic", "net", "tftp", "bootp", "smb", "redir", "chardev",
        "tpmdev", "bt", "soundhw", "audio", "audiodev", "balloon", "virtioconsole", "pcidevice",
        // What is shown.
        "display", "spice", "vnc", "vga", "rotate", "g", "k",
        // Consoles and monitors.
        "serial", "parallel", "monitor", "qmp", "qmp-pretty", "mon", "debugcon", "echr", "gdb", "qtest", "qtest-log",
        "semihosting-config",
        // The process.
        "name", "uuid", "add-fd", "pidfile", "overcommit", "d", "D", "dfilter", "L", "xen-domid", "action", "loadvm", "incoming",
        "chroot", "runas", "run-with", "sandbox", "readconfig", "writeconfig", "trace", "plugin", "msg",
        "dump-vmstate", "compat",
    ]);

    public static bool TakesArgument(string option) => WithArgument.Contains(option);
}
