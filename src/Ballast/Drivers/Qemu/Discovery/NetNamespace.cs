using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>A network namespace; each has a table of unix sockets of its own.</summary>
internal sealed class NetNamespace : IEquatable<NetNamespace>
{
    private static readonly Remembered<NetNamespace> Self =
        new(static () => new(LinuxFiles.ReadLink("/proc/self/ns/net") ?? "net:[own]", "/proc/self/ns/net"));

    private readonly string _id;

    private NetNamespace(string id, string path)
    {
        _id = id;
        Path = path;
    }

    /// <summary>This process's.</summary>
    public static NetNamespace Own => Self.Value;

    /// <summary>Whether an open file stands for this namespace: the process through which it was found may be gone, and its id another's.</summary>
    public bool IsBehind(SafeFileHandle file) => LinuxFiles.ReadLink($"/proc/thread-self/fd/{file.DangerousGetHandle()}") == _id;

    /// <summary>A file that stands for it as long as the process lives through which it was found.</summary>
    public string Path { get; }

    public bool IsOwn => _id == Own._id;

    /// <summary>A process's; null where this user may not know, or the process is gone.</summary>
    public static NetNamespace? Of(int pid)
    {
        string path = $"/proc/{pid}/ns/net";
        return LinuxFiles.ReadLink(path) is { } id ? id == Own._id ? Own : new NetNamespace(id, path) : null;
    }

    public bool Equals(NetNamespace? other) => other is not null && other._id == _id;

    public override bool Equals(object? obj) => Equals(obj as NetNamespace);

    public override int GetHashCode() => _id.GetHashCode(StringComparison.Ordinal);
}
