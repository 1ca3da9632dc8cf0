using System.Runtime.InteropServices;

namespace Ballast.Typing;

/// <summary>The descriptors of standard input, output and error.</summary>
internal static partial class StandardDescriptor
{
    /// <summary>What a write to a descriptor that is not open fails with.</summary>
    public const int NotOpen = 9;

    /// <summary>
    /// Whether whoever started the program gave it one: what it was given has survived the call of exec, and what the program opens itself
    /// does not survive another. The number of one that was closed goes to what is opened first: the pipe in which .NET's runtime
    /// writes down signals for itself. A message that was written there would be taken for signals, and a read would wait for one.
    /// </summary>
    public static bool IsGiven(int descriptor)
    {
        const int getDescriptorFlags = 1, closesOnExec = 1;
        int flags = Control(descriptor, getDescriptorFlags, 0);
        return flags >= 0 && (flags & closesOnExec) == 0;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, nint argument);
}
