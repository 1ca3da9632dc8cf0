using System.Globalization;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class VersionCommand
{
    private static readonly CommandOption Daemon = new("daemon", OptionKind.Flag, "also show the version of the daemon asked");

    public static Command Command { get; } = new("version", "show the versions of library and hypervisor")
    {
        Description =
            """
            The libvirt version shown is the one that this program is compatible with. Its own version is
            shown by `ballast --version`.

            """,
        Options = [Daemon],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        Connection connection = invocation.Connection;
        string library = Format(Connection.LibraryVersion);
        invocation.Out.WriteLine($"Compiled against library: libvirt {library}");
        invocation.Out.WriteLine($"Using library: libvirt {library}");
        invocation.Out.WriteLine($"Using API: {connection.DriverType} {library}");

        ulong hypervisor;
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
            hypervisor = 0;
        }

        invocation.Out.WriteLine(hypervisor == 0
            ? $"Cannot extract running {connection.DriverType} hypervisor version"
            : $"Running hypervisor: {connection.DriverType} {Format(hypervisor)}");

        // A driver in process is its own daemon.
        if (invocation.Arguments.Has(Daemon))
            invocation.Out.WriteLine($"Running against daemon: {library}");
    }

    private static string Format(ulong version) =>
        string.Create(CultureInfo.InvariantCulture, $"{version / 1_000_000}.{version / 1_000 % 1_000}.{version % 1_000}");
}
