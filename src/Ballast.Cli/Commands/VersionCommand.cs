using Ballast.Cli.Doctor;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class VersionCommand
{
    private static readonly CommandOption Daemon = new("daemon", OptionKind.Flag, "also show the version of the daemon");

    public static Command Command { get; } = new("version", "show the versions of the library, the hypervisor and the daemon")
    {
        Description =
            """
            The libvirt version is the one that this program is compatible with. `ballast --version` shows
            the program's own version. With --daemon, the daemon's version is that of the libvirt that it is compatible
            with, and a line on standard error says which daemon answered, or that none is in use.

            """,
        Options = [Daemon],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        Connection connection = invocation.Connection;
        Version library = Connection.LibraryVersion;
        invocation.Out.WriteLine($"Compiled against library: libvirt {library}");
        invocation.Out.WriteLine($"Using library: libvirt {library}");
        invocation.Out.WriteLine($"Using API: {connection.DriverType} {library}");

        Version? hypervisor = null;
        try
        {
            hypervisor = await connection.GetVersionAsync(invocation.CancellationToken);
        }
        catch (LibvirtException e) when (e.Code is not ErrorCode.NoSupport)
        {
            throw new CommandException("failed to get the hypervisor version", e);
        }
        catch (LibvirtException)
        {
            // There is none to tell.
        }

        invocation.Out.WriteLine(hypervisor is null or { Major: 0, Minor: 0, Build: 0 }
            ? $"Cannot extract running {connection.DriverType} hypervisor version"
            : $"Running hypervisor: {connection.DriverType} {hypervisor}");

        // A driver in process is its own daemon, in virsh's words.
        if (!invocation.Arguments.Has(Daemon))
            return;
        invocation.Out.WriteLine($"Running against daemon: {library}");
        invocation.Hint($"asked: {(await Respondent.OfAsync(invocation)).Text}");
    }
}
