using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>A file that a process's command line names, as the process sees it.</summary>
internal static class ProcessFile
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>Its text; null where it is not there, is no plain file, is too long, or must not be looked at.</summary>
    public static string? Read(int pid, string path)
    {
        HostView view = new();
        foreach (SocketEntry entry in ProcessPath.Entries(pid, path, null, view.MountsOf(pid), view.OwnMounts, new LookFailures()))
        {
            using (entry)
            {
                if (entry.Bytes is > 0 and <= MaxBytes && ReadText(entry.ConnectPath, (int)entry.Bytes) is { } text)
                    return text;
            }
        }

        return null;
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
