using System.Globalization;
using System.Runtime.InteropServices;

namespace Ballast.Cli.Output;

/// <summary>The descriptors of standard input, output and error.</summary>
internal static partial class StandardDescriptor
{
    /// <summary>What a write to a descriptor that is not open fails with.</summary>
    public const int NotOpen = 9;

    private const string OpenDescriptors = "/proc/self/fd";

    /// <summary>
    /// Whether whoever started the program gave it one. The number of one that was closed goes to what is opened first: the pipe in which
    /// .NET's runtime writes down signals for itself. A message that was written there would be taken for signals, and a read would
    /// wait for one.
    /// </summary>
    public static bool IsGiven(int descriptor)
    {
        try
        {
            if (Target(Number(descriptor)) is not { } target || target.StartsWith("anon_inode:", StringComparison.Ordinal))
                return false;
            if (!target.StartsWith("pipe:", StringComparison.Ordinal))
                return true;

            // Nobody is given both ends of a pipe.
            int access = Access(descriptor);
            foreach (string path in Directory.GetFiles(OpenDescriptors))
            {
                string name = Path.GetFileName(path);
                if (Target(name) == target && int.TryParse(name, CultureInfo.InvariantCulture, out int other) && Access(other) != access)
                    return false;
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without /proc nobody can tell.
            return true;
        }
    }

    private static string Number(int descriptor) => descriptor.ToString(CultureInfo.InvariantCulture);

    private static string? Target(string name) => new FileInfo($"{OpenDescriptors}/{name}").LinkTarget;

    private static int Access(int descriptor)
    {
        const int getFlags = 3, accessMode = 3;
        return Control(descriptor, getFlags, 0) & accessMode;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, nint argument);
}
