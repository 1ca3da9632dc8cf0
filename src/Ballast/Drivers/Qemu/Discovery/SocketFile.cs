namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// A socket's entry in a file system as the kernel's socket table names it: the device of the mounted file system, and
/// 32 bits of the inode.
/// </summary>
internal readonly record struct SocketFile(uint Inode, uint Device)
{
    private const int MinorBits = 20;

    /// <summary>The kernel's number of a device.</summary>
    public static uint MakeDevice(uint major, uint minor) => (major << MinorBits) | minor;

    /// <param name="facts">What stat tells of the entry.</param>
    /// <param name="mounts">The mounts through which it was reached: on overlayfs and btrfs stat shows another device.</param>
    public static SocketFile Of(in FileFacts facts, MountTable mounts) =>
        new((uint)facts.Inode, facts.Mount is { } mount && mounts.DeviceOf(mount) is { } device ? device : facts.Device);

    /// <summary>The entry that a path of this process leads to; null where there is none.</summary>
    public static SocketFile? Of(string path) => Of(path, MountTable.ReadOwn());

    /// <summary>The same, through the given mounts of this process.</summary>
    public static SocketFile? Of(string path, MountTable mounts) =>
        LinuxFiles.Stat(path, followsLinks: true) is { } facts ? Of(facts, mounts) : null;
}
