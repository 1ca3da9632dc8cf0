using System.Diagnostics;

namespace Ballast.Guests;

/// <summary>A directory of mode 0700 with a short name, deleted at the end: a unix socket's path must stay below 108 bytes.</summary>
public sealed class PrivateDirectory : IDisposable
{
    private const int LongestBase = 40;

    public PrivateDirectory()
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("The guests run on Linux.");

        // The system's temporary directory can be a long path of its own (TMPDIR of a CI job).
        Path = System.IO.Path.GetTempPath().Length <= LongestBase
            ? Directory.CreateTempSubdirectory("bg-").FullName
            : Directory.CreateDirectory(
                $"/tmp/bg-{Guid.NewGuid():N}"[..16],
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
    }

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a program for a shell; returns its path.</summary>
    public string Program(string name, string script)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("The guests run on Linux.");
        string file = File(name);
        System.IO.File.WriteAllText(file, script);
        System.IO.File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return file;
    }

    /// <summary>Lets everybody enter and look, for what other users shall reach.</summary>
    public static void ToEverybody(string directory)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("The guests run on Linux.");
        const UnixFileMode looked = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        const UnixFileMode entered = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        System.IO.File.SetUnixFileMode(directory, UnixFileMode.UserWrite | looked | entered);
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
        }
        catch (IOException)
        {
            // There are names in it that are no text, so that the runtime cannot say them.
            using Process remove = Process.Start("rm", ["-rf", "--", Path]);
            remove.WaitForExit();
            if (remove.ExitCode != 0)
                throw;
        }
    }
}
