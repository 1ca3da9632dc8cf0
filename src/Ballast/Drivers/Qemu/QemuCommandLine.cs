using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

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
    public bool IsQemu =>
        _arguments is [var program, ..]
        && Path.GetFileName(program) is var name
        && (name.StartsWith("qemu-system-", StringComparison.Ordinal) || name is "qemu-kvm" or "kvm" or "qemu");

    /// <summary>The guest's name, or null.</summary>
    public string? Name => Option("-name") is { } value ? Member(value, "guest", isFirst: true) is { Length: > 0 } name ? name : null : null;

    /// <summary>The guest's UUID, or null.</summary>
    public Guid? Uuid => Guid.TryParse(Option("-uuid"), out Guid uuid) && uuid != Guid.Empty ? uuid : null;

    /// <summary>The guest's memory in KiB, or null; QEMU's default unit is MiB.</summary>
    public ulong? MemoryKiB => Option("-m") is { } value && Member(value, "size", isFirst: true) is { } size ? ParseSize(size) : null;

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

    /// <summary>Whether an argument names the socket, by its path or by one relative to the process's working directory.</summary>
    public bool Names(string socketPath)
    {
        foreach (string argument in _arguments)
        {
            foreach (string candidate in SocketPaths(argument))
            {
                if (candidate == socketPath
                    || (_workingDirectory is not null && Path.GetFullPath(candidate, _workingDirectory) == socketPath))
                {
                    return true;
                }
            }
        }

        return false;
    }

    // unix:PATH[,…] of -qmp, path=PATH of -chardev, "path":"PATH" of its JSON form; a comma in a path is doubled.
    private static IEnumerable<string> SocketPaths(string argument)
    {
        if (argument.StartsWith("unix:", StringComparison.Ordinal))
            yield return Split(argument["unix:".Length..])[0];
        foreach (string member in Split(argument))
        {
            if (member.StartsWith("path=", StringComparison.Ordinal))
                yield return member["path=".Length..];
        }

        const string json = "\"path\":";
        for (int at = argument.IndexOf(json, StringComparison.Ordinal); at >= 0; at = argument.IndexOf(json, at + 1, StringComparison.Ordinal))
        {
            ReadOnlySpan<char> rest = argument.AsSpan(at + json.Length).TrimStart();
            int end = rest.IsEmpty ? -1 : rest[1..].IndexOf('"');
            if (end >= 0 && rest[0] == '"')
                yield return rest.Slice(1, end).ToString();
        }
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

    private static string? Member(string value, string name, bool isFirst)
    {
        List<string> members = Split(value);
        foreach (string member in members)
        {
            if (member.StartsWith(name, StringComparison.Ordinal) && member.Length > name.Length && member[name.Length] == '=')
                return member[(name.Length + 1)..];
        }

        return isFirst && !members[0].Contains('=', StringComparison.Ordinal) ? members[0] : null;
    }

    private static List<string> Split(string value)
    {
        List<string> members = [];
        StringBuilder member = new();
        for (int i = 0; i < value.Length; i++)
        {
            bool isDoubled = value[i] == ',' && i + 1 < value.Length && value[i + 1] == ',';
            if (value[i] == ',' && !isDoubled)
            {
                members.Add(member.ToString());
                member.Clear();
                continue;
            }

            member.Append(value[i]);
            if (isDoubled)
                i++;
        }

        members.Add(member.ToString());
        return members;
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
