using System.Collections;
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
        ["nfs", "cifs", "smb", "fuse", "9p", "ceph", "afs", "glusterfs", "lustre", "autofs", "ncp", "coda", "gfs", "ocfs2", "virtiofs", "beegfs", Unknown];

    private const int MaxBytes = 4 * 1024 * 1024;

    // PATH_MAX: the kernel follows no longer one.
    private const int LongestPath = 4096;

    // So many characters of paths are compared to find where the layers of all overlays lie; thousands of containers need a tenth.
    private const int MostEffort = 32 * 1024 * 1024;

    // Of an overlay whose layers nobody looked up.
    private const string Unknown = "unknown file system";

    // This process's, as it was read last: hardly anybody mounts something between two looks. Not held: it may be large.
    private static readonly WeakReference<LastRead?> Last = new(null);

    private readonly Dictionary<ulong, (uint Device, string Type)> _mounts;
    private readonly Dictionary<string, string> _types;

    // How long the mount points are.
    private readonly BitArray _lengths = new(LongestPath + 1);

    private MountTable(Dictionary<ulong, (uint Device, string Type)> mounts, Dictionary<string, string> types)
    {
        _mounts = mounts;
        _types = types;
        foreach (string path in types.Keys.Where(path => path.Length <= LongestPath))
            _lengths[path.Length] = true;
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
        MountTable table = new([], []);
        int effort = MostEffort;
        foreach (Range line in text.AsSpan().Split('\n'))
            table.Add(text.AsSpan(line), host, ref effort);
        return table;
    }

    private static ReadOnlyMemory<byte> ReadText(string process) => LinuxFiles.ReadAll($"/proc/{process}/mountinfo", MaxBytes) ?? default;

    // Whoever may mount something writes most of a line: its text is looked at where it stands, and none of it twice.
    private void Add(ReadOnlySpan<char> line, MountTable? host, ref int effort)
    {
        const int id = 0, device = 2, mountPoint = 4, options = 3, mostFields = 16;
        Span<Range> fields = stackalloc Range[mostFields];
        fields = fields[..line.Split(fields, ' ')];
        int separator = mountPoint + 1;
        while (separator < fields.Length && line[fields[separator]] is not "-")
            separator++;
        if (separator + 1 >= fields.Length)
            return;
        string type = line[fields[separator + 1]].ToString();

        // Whoever looks there looks into its layers.
        if (type == "overlay" && fields.Length > separator + options && LayerThatHangs(line[fields[separator + options]], host, ref effort) is { } layer)
            type = $"{layer} below an overlay";
        Span<char> name = stackalloc char[LongestPath];
        if (Unescape(line[fields[mountPoint]], name) is { IsEmpty: false } path)
        {
            _types.GetAlternateLookup<ReadOnlySpan<char>>()[path] = type;
            _lengths[path.Length] = true;
        }

        ReadOnlySpan<char> number = line[fields[device]];
        int colon = number.IndexOf(':');
        if (colon >= 0
            && ulong.TryParse(line[fields[id]], NumberStyles.None, CultureInfo.InvariantCulture, out ulong mount)
            && uint.TryParse(number[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out uint high)
            && uint.TryParse(number[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out uint low))
        {
            _mounts[mount] = (SocketFile.MakeDevice(high, low), type);
        }
    }

    // The type of the first layer that lies in a file system that can hang; null where none is known to.
    private string? LayerThatHangs(ReadOnlySpan<char> options, MountTable? host, ref int effort)
    {
        Span<char> name = stackalloc char[LongestPath];
        foreach (Range option in options.Split(','))
        {
            ReadOnlySpan<char> layers = options[option];
            int equals = layers.IndexOf('=');
            if (equals < 0 || layers[..equals] is not ("lowerdir" or "lowerdir+" or "datadir+" or "upperdir"))
                continue;
            layers = layers[(equals + 1)..];
            foreach (Range layer in layers.Split(':'))
            {
                ReadOnlySpan<char> path = Unescape(layers[layer], name);
                if (!Path.IsPathRooted(path))
                    continue;
                foreach (MountTable? mounts in (ReadOnlySpan<MountTable?>)[this, host])
                {
                    if (mounts?.TypeAbove(path, ref effort) is { } type && CanHang(type))
                        return type;
                }

                if (effort <= 0)
                    return Unknown;
            }
        }

        return null;
    }

    private string? TypeAbove(ReadOnlySpan<char> path, ref int effort)
    {
        Dictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> types = _types.GetAlternateLookup<ReadOnlySpan<char>>();
        for (ReadOnlySpan<char> at = path; !at.IsEmpty && effort > 0; at = Path.GetDirectoryName(at))
        {
            // To look one up is to read all of it.
            if (!_lengths[at.Length])
                continue;
            effort -= at.Length;
            if (types.TryGetValue(at, out string? type))
                return type;
        }

        return null;
    }

    // Spaces, tabs, line ends and backslashes are written as octal numbers. Empty where it is longer than any path that leads somewhere.
    private static ReadOnlySpan<char> Unescape(ReadOnlySpan<char> text, Span<char> name)
    {
        int length = 0;
        while (!text.IsEmpty)
        {
            if (length == name.Length)
                return [];
            bool isNumber = text is ['\\', '0' or '1', >= '0' and <= '7', >= '0' and <= '7', ..];
            name[length++] = isNumber ? (char)(((text[1] - '0') << 6) | ((text[2] - '0') << 3) | (text[3] - '0')) : text[0];
            text = text[(isNumber ? 4 : 1)..];
        }

        return name[..length];
    }

    private sealed record LastRead(ReadOnlyMemory<byte> Text, MountTable Table);
}
