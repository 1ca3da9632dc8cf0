using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The sockets in a process's own descriptor table: what nobody else can put there, and so the proof of whose they are.</summary>
internal sealed class ProcessSockets
{
    // Many more than any QEMU has. A stranger's table may have a million, and each look would read them all.
    public const int MaxDescriptors = 32 * 1024;

    private readonly HashSet<uint> _inodes = [];

    private ProcessSockets()
    {
    }

    /// <summary>Their inodes.</summary>
    public IReadOnlySet<uint> Inodes => _inodes;

    /// <summary>The lowest number that no descriptor had: what the process opens next is given that.</summary>
    public int FreeDescriptor { get; private set; }

    public bool Contains(uint inode) => _inodes.Contains(inode);

    /// <summary>
    /// The sockets that a process has open; null where this user may not know, the process is gone, or it has more than anybody reads.
    /// </summary>
    public static ProcessSockets? Read(int pid)
    {
        ProcessSockets sockets = new();
        return LinuxFiles.ReadLinks(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd"), MaxDescriptors, sockets.Add) ? sockets : null;
    }

    /// <summary>The socket behind one of a process's descriptors; null where it is none, or this user may not know.</summary>
    public static uint? Read(int pid, int descriptor) =>
        LinuxFiles.ReadLink(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd/{descriptor}")) is { } target
            ? Parse(Encoding.UTF8.GetBytes(target))
            : null;

    /// <summary>Whether this user may know what a process has open, as the kernel decides it for all links of a process.</summary>
    public static bool AreShown(int pid) => LinuxFiles.ReadLink(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cwd")) is not null;

    // In the order of their numbers.
    private void Add(ReadOnlySpan<byte> descriptor, ReadOnlySpan<byte> target)
    {
        if (Utf8Parser.TryParse(descriptor, out int number, out _) && number == FreeDescriptor)
            FreeDescriptor++;
        if (Parse(target) is { } inode)
            _inodes.Add(inode);
    }

    private static uint? Parse(ReadOnlySpan<byte> target)
    {
        ReadOnlySpan<byte> prefix = "socket:["u8;
        return target.StartsWith(prefix) && Utf8Parser.TryParse(target[prefix.Length..], out uint inode, out _) ? inode : null;
    }
}
