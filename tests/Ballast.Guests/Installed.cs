using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Ballast.Guests;

/// <summary>Which versions of the real programs this machine has: some answer otherwise than those before.</summary>
public static partial class Installed
{
    public static Version Qemu { get; } = Ask("qemu-system-x86_64");

    /// <summary>virsh's, and so that of the library and of the daemon.</summary>
    public static Version Libvirt { get; } = Ask("virsh");

    private static Version Ask(string program)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, ["--version"]) { RedirectStandardOutput = true })!;
        string said = process.StandardOutput.ReadToEnd();
        return Version.Parse(Number().Match(said).Value);
    }

    [GeneratedRegex(@"\d+\.\d+\.\d+")]
    private static partial Regex Number();
}
