namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>Tells by a program's name whether it runs a guest as QEMU's system emulators do.</summary>
internal static class QemuName
{
    private const string System = "qemu-system-";

    // What those who put a script in the program's place call the program: Nix, Guix, Debian's diversions, administrators.
    private static readonly string[] Wrapped = ["-wrapped", "-real", ".real", ".orig", ".distrib"];

    // Red Hat's and SUSE's, Debian's and Proxmox's, Ubuntu's, and the one of old.
    private static readonly string[] Short = ["qemu-kvm", "kvm", "kvm-spice", "qemu-kvm-spice", "qemu"];

    // Emulators of another processor that are not QEMU's own.
    private static readonly string[] OtherEmulators = ["box64", "box86", "FEX", "FEXInterpreter", "FEXLoader"];

    // Its tools lie there, each a program of its own, and have loaded the one that they watch.
    private const string Watchers = "/valgrind/";

    // A program without a file, which was copied into memory, has such a path.
    private const string MemoryFile = "/memfd:";

    /// <summary>The same of a program's path.</summary>
    public static bool IsQemuFile(string path) =>
        IsQemu(Path.GetFileName(path.StartsWith(MemoryFile, StringComparison.Ordinal) ? path[MemoryFile.Length..] : path));

    /// <summary>Whether a program runs others, which it is told of: the system's loader, valgrind, or an emulator of another processor.</summary>
    public static bool IsLoader(string path) =>
        (Path.GetFileName(path) is var name && name.StartsWith("ld", StringComparison.Ordinal) && name.Contains(".so", StringComparison.Ordinal))
        || path.Contains(Watchers, StringComparison.Ordinal) || IsUserEmulator(path);

    /// <summary>Whether it is the latter: QEMU's (<c>qemu-aarch64</c>), under the names that distributions give it, or another.</summary>
    public static bool IsUserEmulator(string path)
    {
        string name = Path.GetFileName(path);
        return !IsQemuFile(path)
            && (name.StartsWith("qemu-", StringComparison.Ordinal) || Array.IndexOf(OtherEmulators, name) >= 0 || path.Contains("binfmt", StringComparison.Ordinal));
    }

    public static bool IsQemu(string name)
    {
        // .qemu-system-x86_64-wrapped_, and around that once more.
        ReadOnlySpan<char> plain = name.AsSpan().TrimStart('.');
        bool isHidden = plain.Length < name.Length;
        if (isHidden)
            plain = plain.TrimEnd('_');
        bool isWrapped = false;
        for (int i = 0; i < Wrapped.Length; i++)
        {
            if (!plain.EndsWith(Wrapped[i], StringComparison.Ordinal))
                continue;
            plain = plain[..^Wrapped[i].Length];
            isWrapped = true;
            i = -1;
        }

        // A hidden file of any other form is something else's, such as an editor's.
        if (isHidden && !isWrapped)
            return false;
        return (plain.StartsWith(System, StringComparison.Ordinal) && plain.Length > System.Length && char.IsAsciiLetterOrDigit(plain[System.Length]))
            || Array.IndexOf(Short, plain.ToString()) >= 0;
    }
}
