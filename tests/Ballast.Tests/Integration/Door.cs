using System.Globalization;
using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A domain as it is listed.</summary>
internal sealed record Listed(int Id, string Name, Guid Uuid);

/// <summary>
/// One of the ways to the QEMUs of this host: a program that takes virsh's commands list, dommemstat, setmem and destroy.
/// </summary>
internal sealed partial class Door : IAsyncDisposable
{
    public const string Program = "ballast", Daemon = "ballastd and virsh", CLibrary = "C library", Python = "Python package";

    // Libvirt's Python module, or our package, which has the same names.
    private const string Script =
        """
        import importlib, sys
        libvirt = importlib.import_module(sys.argv[1])
        libvirt.registerErrorHandler(lambda *ignored: None, None)
        connection = libvirt.open(sys.argv[2])
        command, *rest = sys.argv[3:]
        try:
            if command == "list":
                for domain in connection.listAllDomains():
                    print(domain.UUIDString(), domain.ID(), domain.name())
                sys.exit()
            domain = connection.lookupByName(rest[0])
            if command == "dommemstat":
                for name, value in domain.memoryStats().items():
                    print(name, value)
            elif command == "setmem":
                domain.setMemory(int(rest[1]))
            elif command == "destroy":
                domain.destroy()
        except libvirt.libvirtError as error:
            sys.exit(str(error))
        """;

    private readonly string _kind;
    private readonly BallastDaemon? _daemon;

    private Door(string kind, BallastDaemon? daemon)
    {
        _kind = kind;
        _daemon = daemon;
    }

    /// <summary>Whether one process answers all questions, so that a domain keeps its name among them.</summary>
    public bool StaysOpen => _daemon is not null;

    public static async Task<Door> OpenAsync(string kind, CancellationToken cancellationToken) =>
        new(kind, kind == Daemon ? await BallastDaemon.StartAsync(cancellationToken) : null);

    /// <summary>All that the host shows.</summary>
    public async Task<IReadOnlyList<Listed>> ListAsync(CancellationToken cancellationToken) =>
        [.. (await AskAsync(cancellationToken, "list", "--id", "--name", "--uuid")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Line().Match(line))
            .Select(line => new Listed(
                int.Parse(line.Groups["id"].ValueSpan, CultureInfo.InvariantCulture), line.Groups["name"].Value, Guid.Parse(line.Groups["uuid"].ValueSpan)))];

    public async Task<ulong> ActualAsync(string name, CancellationToken cancellationToken) =>
        BallastProgram.ParseStats(await AskAsync(cancellationToken, "dommemstat", name)).Single(stat => stat.Key == "actual").Value;

    public Task SetMemoryAsync(string name, long kib, CancellationToken cancellationToken) =>
        AskAsync(cancellationToken, ["setmem", name, kib.ToString(CultureInfo.InvariantCulture), .. _kind == Program ? (string[])["--force"] : []]);

    public async Task DestroyAsync(string name, CancellationToken cancellationToken)
    {
        if (_kind != Program)
        {
            await AskAsync(cancellationToken, "destroy", name);
            return;
        }

        // The program ends no domain; what it stands on does.
        await using Connection connection = await Connection.OpenAsync("qmp:///", cancellationToken: cancellationToken);
        await (await connection.LookupByNameAsync(name, cancellationToken)).DestroyAsync(cancellationToken: cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_daemon is not null)
            await _daemon.DisposeAsync();
    }

    [GeneratedRegex("^ *(?<uuid>[0-9a-f-]{36}) +(?<id>[0-9]+) +(?<name>.*?) *$")]
    private static partial Regex Line();

    private async Task<string> AskAsync(CancellationToken cancellationToken, params string[] command)
    {
        CommandResult result = _kind switch
        {
            Program => await BallastProgram.RunAsync(cancellationToken, ["-c", "qmp:///", .. command]),
            Daemon => await _daemon!.VirshAsync(command, cancellationToken),
            CLibrary => await RunPythonAsync("libvirt", command, "LD_LIBRARY_PATH", NativeProgram.Abi, cancellationToken),
            _ => await RunPythonAsync("ballast", command, "BALLAST_LIBRARY", Path.Combine(NativeProgram.Libraries, "libballast.so"), cancellationToken),
        };
        Assert.True(result is { ExitCode: 0, Errors: "" }, $"{_kind}: {string.Join(' ', command)}: {result.ExitCode} {result.Errors}");
        return result.Output;
    }

    private static Task<CommandResult> RunPythonAsync(
        string module, string[] command, string variable, string value, CancellationToken cancellationToken) =>
        ChildProcess.RunAsync("/usr/bin/python3", ["-c", Script, module, "qmp:///", .. command], new Dictionary<string, string>
        {
            [variable] = value,
            ["PYTHONPATH"] = Path.Combine(NativeProgram.Root, "bindings/python"),
            ["PYTHONDONTWRITEBYTECODE"] = "1",
        }, cancellationToken: cancellationToken);
}
