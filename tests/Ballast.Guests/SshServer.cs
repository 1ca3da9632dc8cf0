using System.Globalization;

namespace Ballast.Guests;

/// <summary>
/// A private sshd on loopback, with keys and settings of its own and, for who logs in, programs of its own. <see cref="Client"/> is an
/// ssh that knows its key and reads nobody's files.
/// </summary>
public sealed class SshServer : IAsyncDisposable
{
    private readonly PrivateDirectory _directory;
    private readonly ChildProcess _process;

    private SshServer(PrivateDirectory directory, ChildProcess process, int port)
    {
        _directory = directory;
        _process = process;
        Port = port;
    }

    public int Port { get; }

    public int Pid => _process.Pid;

    /// <summary>An ssh for this server, for the parameter <c>command=</c>.</summary>
    public string Client => _directory.File("ssh");

    /// <summary>Where the programs are that a login finds.</summary>
    public string Programs => _directory.File("bin");

    /// <summary>The programs of theirs that were run, with their arguments, a line each.</summary>
    public string Runs => File.Exists(_directory.File("runs")) ? File.ReadAllText(_directory.File("runs")) : "";

    public static async Task<SshServer> StartAsync(CancellationToken cancellationToken = default)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new InvalidOperationException("A private sshd lets root in, and so needs root.");
        PrivateDirectory directory = new();
        ChildProcess? process = null;
        try
        {
            foreach (string key in (string[])["host", "user", "other"])
            {
                CommandResult made = await ChildProcess.RunAsync(
                    "ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", directory.File(key)], cancellationToken: cancellationToken);
                if (made.ExitCode != 0)
                    throw new InvalidOperationException($"ssh-keygen: {made.Errors}");
            }

            using HeldPort held = new();
            int port = held.Port;
            WriteFiles(directory, port);
            process = await ChildProcess.StartAsync("/usr/sbin/sshd", ["-D", "-e", "-f", directory.File("sshd_config")]);
            SshServer server = new(directory, process, port);
            await Deadline.UntilAsync(Deadline.Default, "port of sshd", _ =>
                process.HasExited
                    ? throw new InvalidOperationException($"sshd ended: {process.Errors}")
                    : Task.FromResult(process.Errors.Contains("Server listening", StringComparison.Ordinal)), cancellationToken);
            return server;
        }
        catch
        {
            if (process is not null)
                await process.DisposeAsync();
            directory.Dispose();
            throw;
        }
    }

    /// <summary>The URI of the daemon whose socket that is, through this server; null: the daemon that the far end finds.</summary>
    public string Uri(string? socket, string parameters = "") =>
        string.Create(CultureInfo.InvariantCulture, $"qemu+ssh://root@127.0.0.1:{Port}/system?command={Client}{(socket is null ? "" : $"&socket={socket}")}{parameters}");

    /// <summary>Gives who logs in a program; each of its runs is written down.</summary>
    public void Install(string name, string command) =>
        _ = _directory.Program($"bin/{name}", $"#!/bin/sh\necho \"{name} $*\" >>{_directory.File("runs")}\nexec {command} \"$@\"\n");

    /// <summary>Programs that a login has anyway.</summary>
    public void Link(params string[] names)
    {
        foreach (string name in names)
            _ = File.CreateSymbolicLink(Path.Combine(Programs, name), $"/usr/bin/{name}");
    }

    /// <summary>An ssh that is told something else than <see cref="Client"/>.</summary>
    public string OtherClient(string options) => WriteClient(_directory, $"ssh-{Guid.NewGuid():N}"[..12], options);

    /// <summary>A file of the server's: <c>other</c> is a key that it does not let in, <c>other-known</c> knows it by that key, <c>none</c> is empty.</summary>
    public string KeyFile(string name) => _directory.File(name);

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Dispose();
    }

    private static void WriteFiles(PrivateDirectory directory, int port)
    {
        // For sshd's unprivileged half; the system's own makes it at its start.
        _ = Directory.CreateDirectory("/run/sshd");
        _ = Directory.CreateDirectory(directory.File("bin"));
        File.Copy(directory.File("user.pub"), directory.File("authorized"));
        File.WriteAllText(directory.File("sshd_config"), string.Create(CultureInfo.InvariantCulture, $"""
            Port {port}
            ListenAddress 127.0.0.1
            HostKey {directory.File("host")}
            AuthorizedKeysFile {directory.File("authorized")}
            StrictModes no
            PermitRootLogin yes
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            UsePAM no
            PidFile none
            SetEnv PATH={directory.File("bin")}

            """));
        File.WriteAllText(directory.File("known"), string.Create(CultureInfo.InvariantCulture, $"[127.0.0.1]:{port} {File.ReadAllText(directory.File("host.pub"))}"));
        File.WriteAllText(directory.File("other-known"), string.Create(CultureInfo.InvariantCulture, $"[127.0.0.1]:{port} {File.ReadAllText(directory.File("other.pub"))}"));
        File.WriteAllText(directory.File("none"), "");
        _ = WriteClient(directory, "ssh", "");
    }

    // What comes first counts.
    private static string WriteClient(PrivateDirectory directory, string name, string options) =>
        directory.Program(name,
            $"#!/bin/sh\nexec ssh -F none {options} -o UserKnownHostsFile={directory.File("known")} -o GlobalKnownHostsFile=/dev/null"
            + $" -o IdentityFile={directory.File("user")} -o IdentitiesOnly=yes -o IdentityAgent=none \"$@\"\n");
}
