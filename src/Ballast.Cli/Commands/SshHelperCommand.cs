using Ballast.Cli.Output;

namespace Ballast.Cli.Commands;

/// <summary>
/// <c>ballast ssh-helper</c>: the end of a connection over ssh that lies on the daemon's host. Another ballast starts it, not
/// people, so the groups of commands do not list it. Its output is the daemon's bytes and nothing else.
/// </summary>
internal static class SshHelperCommand
{
    public const string Name = "ssh-helper";

    public const string Usage =
        """
        ballast ssh-helper [--readonly] [--probe] [--] URI|SOCKET

        Copies standard input to a daemon's Unix socket on this host, and what the daemon sends to standard output. A ballast on
        another host runs it over ssh, for URIs such as qemu+ssh://HOST/system.

          -r, --readonly  use the socket that refuses changes
          --probe         do not connect; exit with 0 if such a socket is there and this user may use it
          URI             e.g. qemu:///system: ballastd's socket if it is there, else libvirt's
          SOCKET          the absolute path of a socket

        """;

    public static async Task<int> RunAsync(string[] arguments, CliHost host, CommandOutput output, CancellationToken cancellationToken)
    {
        bool isReadOnly = false, isProbe = false, isOnlyData = false;
        string? target = null;
        foreach (string argument in arguments)
        {
            switch (argument)
            {
                case "--" when !isOnlyData:
                    isOnlyData = true;
                    break;
                case "-r" or "--readonly" when !isOnlyData:
                    isReadOnly = true;
                    break;
                case "--probe" when !isOnlyData:
                    isProbe = true;
                    break;
                case "-h" or "--help" when !isOnlyData:
                    output.Out.Write(Usage);
                    return CliProgram.Success;
                case not null when target is null && (isOnlyData || argument is [not '-', ..]):
                    target = argument;
                    break;
                default:
                    output.Error($"unexpected '{argument}'. See ballast {Name} --help.");
                    return CliProgram.Failure;
            }
        }

        if (target is null)
        {
            output.Error($"a URI or a socket is missing. See ballast {Name} --help.");
            return CliProgram.Failure;
        }

        try
        {
            if (isProbe)
                return DaemonSocket.Find(target, isReadOnly) is null ? CliProgram.Failure : CliProgram.Success;
            await DaemonSocket.RelayAsync(target, isReadOnly, host.StandardInput.Value, host.StandardOutput, cancellationToken);
            return CliProgram.Success;
        }
        catch (Exception e) when (e is LibvirtException or IOException)
        {
            output.Error(e.Message);
            return CliProgram.Failure;
        }
    }
}
