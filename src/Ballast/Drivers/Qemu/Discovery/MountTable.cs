using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>The mounts that a process sees, from its mountinfo.</summary>
internal sealed class MountTable
{
    public static readonly MountTable Empty = new([], []);

    // What the kernel makes up: to read there may wait for something to happen, and take it away from others.
    private static readonly string[] KernelsTypes =
        ["proc", "sysfs", "debugfs", "tracefs", "securityfs", "configfs", "cgroup", "cgroup2", "bpf", "pstore", "efivarfs", "selinuxfs", "binfmt_misc"];

    private static readonly string[] HangingTypes =
        ["nfs", "cifs", "smb", "fuse", "9p", "ceph", "afs", "glusterfs", "lustre", "autofs", "ncp", "coda", "gfs", "ocfs2", "virtiofs", "beegfs"];

    private const int MaxBytes = 4 * 1024 * 1024;

    // This process's, as it was read last: hardly anybody mounts something between two looks. Not held: it may be large.
    private static readonly WeakReference<LastRead?> Last = new(null);

    private readonly Dictionary<ulong, (uint Device, string Type)> _mounts;
    private readonly Dictionary<string, string> _types;

    private MountTable(Dictionary<ulong, (uint Device, string Type)> mounts, Dictionary<string, string> types)
    {
        _mounts = mounts;
        _types = types;
    }

    /// <summary>A table of mount points with the types of their file systems.</summary>
    public MountTable(Dictionary<string, string> types)
        : this([], types)
    {
    }

    /// <summary>The device of a mounted file system; null where the mount is not known.</summary>
    public uint? DeviceOf(ulong mount) => _mounts.TryGetValue(mount, out (uint Device, string) known) ? known.Device : null;

    /// <summary>The type of a mounted file system; null where the mount is not known.</summary>
    public string? TypeOf(ulong mount) => _mounts.TryGetValue(mount, out (uint, string Type) known) ? known.Type : null;

    /// <summary>The type of what is mounted last at a path; null where nothing is.</summary>
    public string? TypeAt(string path) => _types.GetValueOrDefault(path);

    /// <summary>Whether a look into a file system of that type may hang, or is answered by some user's program.</summary>
    public static bool CanHang(string type) =>
        Array.Exists(HangingTypes, hanging => type.StartsWith(hanging, StringComparison.Ordinal));

    /// <summary>Whether files of that type are not kept anywhere, but made when they are read.</summary>
    public static bool IsKernels(string type) => Array.IndexOf(KernelsTypes, type) >= 0;

    /// <summary>This process's; none where they cannot be read.</summary>
    public static MountTable ReadOwn()
    {
        ReadOnlyMemory<byte> text = ReadText("self");
        if (Last.TryGetTarget(out LastRead? last) && last.Text.Span.SequenceEqual(text.Span))
            return last.Table;
        MountTable table = Parse(PathText.Decode(text.Span), host: null);
        Last.SetTarget(new LastRead(text, table));
        return table;
    }

    /// <summary>A process's; none where it is gone, or this user may not look at it.</summary>
    /// <param name="process">The process's id.</param>
    /// <param name="host">Where the layers of an overlay may lie that the process does not see itself.</param>
    public static MountTable Read(string process, MountTable host) => Parse(PathText.Decode(ReadText(process).Span), host);

    /// <summary>The same of mountinfo's text.</summary>
    internal static MountTable Parse(string text, MountTable? host)
    {
        const int id = 0, device = 2, mountPoint = 4, options = 3;
        Dictionary<ulong, (uint, string)> mounts = [];
        Dictionary<string, string> types = [];
        foreach (string line in text.Split('\n'))
        {
            string[] fields = line.Split(' ');
            int separator = Array.IndexOf(fields, "-");
            if (separator <= mountPoint || separator + 1 >= fields.Length)
                continue;
            string type = fields[separator + 1];

            // Whoever looks there looks into its layers.
            if (type == "overlay" && fields.Length > separator + options && LayerThatHangs(fields[separator + options], types, host?._types) is { } layer)
                type = $"{layer} below an overlay";
            types[Unescape(fields[mountPoint])] = type;
            if (fields[device].Split(':') is [var major, var minor]
                && ulong.TryParse(fields[id], NumberStyles.None, CultureInfo.InvariantCulture, out ulong mount)
                && uint.TryParse(major, NumberStyles.None, CultureInfo.InvariantCulture, out uint high)
                && uint.TryParse(minor, NumberStyles.None, CultureInfo.InvariantCulture, out uint low))
            {
                mounts[mount] = (SocketFile.MakeDevice(high, low), type);
            }
        }

        return new MountTable(mounts, types);
    }

    private static ReadOnlyMemory<byte> ReadText(string process) => LinuxFiles.ReadAll($"/proc/{process}/mountinfo", MaxBytes) ?? default;

    // The type of the first layer that lies in a file system that can hang; null where none is known to.
    private static string? LayerThatHangs(string options, params ReadOnlySpan<Dictionary<string, string>?> tables)
    {
        foreach (string option in Unescape(options).Split(','))
        {
            if (option.Split('=', 2) is not ["lowerdir" or "lowerdir+" or "datadir+" or "upperdir", var layers])
                continue;
            foreach (string layer in layers.Split(':', StringSplitOptions.RemoveEmptyEntries).Where(Path.IsPathRooted))
            {
                foreach (Dictionary<string, string>? types in tables)
                {
                    if (types is not null && TypeAbove(layer, types) is { } type && CanHang(type))
                        return type;
                }
            }
        }

        return null;
    }

    private static string? TypeAbove(string path, Dictionary<string, string> types)
    {
        for (string? at = path; at is not null; at = Path.GetDirectoryName(at))
        {
            if (types.TryGetValue(at, out string? type))
                return type;
        }

        return null;
    }

    // Spaces, tabs, line ends and backslashes are written as octal numbers.
    private static string Unescape(string text)
    {
        int at = text.IndexOf('\\', StringComparison.Ordinal);
        if (at < 0 || at + 3 >= text.Length)
            return text;
        ReadOnlySpan<char> digits = text.AsSpan(at + 1, 3);
        int code = 0;
        foreach (char digit in digits)
            code = (code * 8) + (digit - '0');
        return string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, at)}{(char)code}{Unescape(text[(at + 4)..])}");
    }

    private sealed record LastRead(ReadOnlyMemory<byte> Text, MountTable Table);
}
