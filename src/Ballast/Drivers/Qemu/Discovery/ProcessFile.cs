using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>A file that a process's command line names, as the process sees it.</summary>
internal static class ProcessFile
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>
    /// Its text; null where it is not there, is no plain file, is too long, or must not be looked at, or was changed since the process
    /// can have read it: then it says what another one was told.
    /// </summary>
    /// <param name="pid">The process.</param>
    /// <param name="path">The file, as it was written.</param>
    /// <param name="startTicks">When the process started, in clock ticks since the host booted; null: whatever it says now.</param>
    public static string? Read(int pid, string path, ulong? startTicks = null)
    {
        HostView view = new();
        foreach (SocketEntry entry in ProcessPath.Entries(pid, path, null, view.MountsOf(pid), view.OwnMounts, new LookFailures()))
        {
            using (entry)
            {
                if (entry.Bytes is > 0 and <= MaxBytes && ReadText(entry.ConnectPath, (int)entry.Bytes) is { } text)
                    return startTicks is { } start && IsYounger(entry, pid, path, start) ? null : text;
            }
        }

        return null;
    }

    // Looked at behind the read, so that what was read is no younger. A script may write the file and become QEMU: the process is older
    // then, but not the first thread that QEMU made, which is there before QEMU reads anything.
    private static bool IsYounger(SocketEntry entry, int pid, string path, ulong startTicks)
    {
        if (LinuxFiles.Stat(entry.ConnectPath, followsLinks: true) is not { } file)
            return true;

        // A link may have led to another file.
        string link = $"/proc/{pid}/{(Path.IsPathRooted(path) ? "root" : "cwd/")}{path}";
        Int128 changedAt = LinuxFiles.Stat(link, followsLinks: false) is { IsLink: true } found ? Int128.Max(file.ChangedAt, found.ChangedAt) : file.ChangedAt;

        // Both are rounded down, and the clock of files is not ahead: what was written before the start is no younger by this.
        long changed = ProcessBirths.TicksSinceBoot(changedAt);
        return changed > (long)startTicks && !(ProcessTable.FirstThreadTicks(pid) is { } running && changed <= (long)running);
    }

    private static string? ReadText(string path, int size)
    {
        try
        {
            using SafeFileHandle file = LinuxFiles.OpenToRead(path);
            if (file.IsInvalid)
                return null;
            byte[] bytes = new byte[size];
            int length = 0;
            for (int count; length < size && (count = RandomAccess.Read(file, bytes.AsSpan(length), length)) > 0;)
                length += count;
            return Encoding.UTF8.GetString(bytes, 0, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
