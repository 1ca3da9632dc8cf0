using Microsoft.Win32.SafeHandles;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>A file that a process's command line names, as the process sees it.</summary>
internal static class ProcessFile
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>
    /// Its text; null where it is not there, is not a regular file, is too long, or must not be looked at, or was changed since the process
    /// can have read it: then it says what another one was told.
    /// </summary>
    /// <param name="pid">The process.</param>
    /// <param name="path">The file, as it was written.</param>
    /// <param name="startTicks">When the process started, in clock ticks since the host booted; null: whatever it says now.</param>
    public static ConfigurationText? Read(int pid, string path, ulong? startTicks = null)
    {
        using HostLook.Subject about = HostLook.About(HostLook.PathsOf(pid));
        HostView view = new();
        MountTable mounts = view.MountsOf(pid);
        using SocketEntry? entry = ProcessPath.File(pid, path, mounts, view.OwnMounts, history: null);
        if (entry is not { Bytes: > 0 and <= MaxBytes } || ReadText(entry.ConnectPath, (int)entry.Bytes) is not { } text)
            return null;
        if (startTicks is not { } start)
            return text;

        // The way is gone once more behind the read, so that what was read is no younger than what is seen of it.
        PathHistory history = new(pid, start);
        using SocketEntry? again = ProcessPath.File(pid, path, mounts, view.OwnMounts, history);
        return again?.File != entry.File || history.HasChanged ? null : new ConfigurationText(text, IsCertain: !history.MayHaveChanged);
    }

    private static string? ReadText(string path, int size)
    {
        using SafeFileHandle file = LinuxFiles.OpenToRead(path);
        if (file.IsInvalid)
            return null;
        byte[] bytes = new byte[size];
        int length = 0;
        for (nint count; length < size && (count = HostCalls.Read(file, bytes.AsSpan(length), path)) != 0; length += (int)count)
        {
            if (count < 0)
                return null;
        }

        return PathText.Decode(bytes.AsSpan(0, length));
    }
}
