using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Drivers.Qemu;

/// <summary>What a QEMU's command line says about it; anybody can write one, so it only counts until its monitor is asked.</summary>
internal sealed class QemuCommandLine
{
    private const int MaxBytes = 1024 * 1024;

    private readonly string[] _arguments;
    private readonly string? _workingDirectory;

    internal QemuCommandLine(string[] arguments, string? workingDirectory)
    {
        _arguments = arguments;
        _workingDirectory = workingDirectory;
    }

    /// <summary>Whether the program is called as QEMU's are.</summary>
    public bool IsQemu => _arguments is [var program, ..] && IsQemuName(Path.GetFileName(program));

    public static bool IsQemuName(string name) =>
        name.StartsWith("qemu-system-", StringComparison.Ordinal) || name is "qemu-kvm" or "kvm" or "qemu";

    /// <summary>The guest's name, or null.</summary>
    public string? Name => Option("-name") is { } value && OptionMembers.Parse(value, "guest")?["guest"] is { Length: > 0 } name ? name : null;

    /// <summary>The guest's UUID, or null.</summary>
    public Guid? Uuid => Guid.TryParse(Option("-uuid"), out Guid uuid) && uuid != Guid.Empty ? uuid : null;

    /// <summary>The guest's memory in KiB, or null; QEMU's default unit is MiB.</summary>
    public ulong? MemoryKiB => Option("-m") is { } value && OptionMembers.Parse(value, "size")?["size"] is { } size ? ParseSize(size) : null;

    /// <exception cref="IOException">Never: a process that cannot be read is not found.</exception>
    public static bool TryRead(int pid, [NotNullWhen(true)] out QemuCommandLine? commandLine)
    {
        commandLine = null;
        try
        {
            using FileStream file = new($"/proc/{pid}/cmdline", FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            byte[] bytes = new byte[4096];
            int length = 0;
            for (int count; (count = file.Read(bytes, length, bytes.Length - length)) > 0;)
            {
                length += count;
                if (length == MaxBytes)
                    break;
                if (length == bytes.Length)
                    Array.Resize(ref bytes, Math.Min(length * 2, MaxBytes));
            }

            if (length == 0)
                return false;
            string[] arguments = Encoding.UTF8.GetString(bytes, 0, length).TrimEnd('\0').Split('\0');
            commandLine = new QemuCommandLine(arguments, File.ResolveLinkTarget($"/proc/{pid}/cwd", returnFinalTarget: false)?.FullName);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Whether a monitor of the process is the socket, by its path or by one relative to the working directory.</summary>
    public bool Names(string socketPath) =>
        Monitors.Any(monitor => monitor.Path is { } path && (path == socketPath || Path.GetFullPath(path) == socketPath));

    /// <summary>The monitors that the process offers on unix sockets.</summary>
    public IReadOnlyList<MonitorSocket> Monitors => MonitorArguments.Find(_arguments, _workingDirectory);

    /// <summary>The kinds (<c>user</c>, <c>tap</c>) of the network back ends, by their ids.</summary>
    public IReadOnlyDictionary<string, string> NetworkKinds()
    {
        Dictionary<string, string> kinds = [];
        for (int i = 1; i + 1 < _arguments.Length; i++)
        {
            if (_arguments[i] is "-netdev" or "--netdev" && OptionMembers.Parse(_arguments[i + 1], "type") is { } members
                && members["id"] is { } id && members["type"] is { } kind)
            {
                kinds[id] = kind;
            }
        }

        return kinds;
    }

    private string? Option(string name)
    {
        for (int i = 1; i + 1 < _arguments.Length; i++)
        {
            if (_arguments[i] == name || (_arguments[i].StartsWith("--", StringComparison.Ordinal) && _arguments[i].AsSpan(1).SequenceEqual(name)))
                return _arguments[i + 1];
        }

        return null;
    }

    private static ulong? ParseSize(string size)
    {
        // More digits than any size has would overflow when they are multiplied.
        const int maxDigits = 18;
        int digits = 0;
        while (digits < size.Length && digits < maxDigits && (char.IsAsciiDigit(size[digits]) || size[digits] == '.'))
            digits++;
        if (!decimal.TryParse(size.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number))
            return null;
        decimal kib = size[digits..].ToUpperInvariant() switch
        {
            "B" => number / 1024,
            "K" => number,
            "" or "M" => number * 1024,
            "G" => number * 1024 * 1024,
            "T" => number * 1024 * 1024 * 1024,
            _ => -1,
        };
        return kib is >= 1 and < long.MaxValue / 1024 ? (ulong)kib : null;
    }
}
