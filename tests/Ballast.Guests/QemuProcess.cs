namespace Ballast.Guests;

public sealed record QemuOptions
{
    public string Program { get; init; } = "qemu-system-x86_64";

    /// <summary>All arguments but the monitors'.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>How many monitors (<c>-qmp</c>) to open; each serves one client.</summary>
    public int Monitors { get; init; } = 1;

    /// <summary>Where its sockets lie, if the arguments name files there too; it is deleted with the process.</summary>
    public PrivateDirectory? Directory { get; init; }

    public TimeSpan StartDeadline { get; init; } = Deadline.Default;
}

/// <summary>A real QEMU of our own. It dies with the test process, however that ends.</summary>
public sealed class QemuProcess : IAsyncDisposable
{
    private readonly ChildProcess _child;
    private readonly PrivateDirectory _directory;

    private QemuProcess(ChildProcess child, PrivateDirectory directory, IReadOnlyList<string> monitorPaths)
    {
        _child = child;
        _directory = directory;
        MonitorPaths = monitorPaths;
    }

    public int Pid => _child.Pid;

    public bool HasExited => _child.HasExited;

    public int ExitCode => _child.ExitCode;

    /// <summary>What QEMU wrote to its standard error.</summary>
    public string Errors => _child.Errors;

    public string DirectoryPath => _directory.Path;

    public IReadOnlyList<string> MonitorPaths { get; }

    public static async Task<QemuProcess> StartAsync(QemuOptions options, CancellationToken cancellationToken = default)
    {
        var directory = options.Directory ?? new PrivateDirectory();
        var monitors = Enumerable.Range(0, options.Monitors).Select(n => directory.File($"qmp{n}.sock")).ToArray();
        ChildProcess? child = null;
        try
        {
            child = await ChildProcess.StartAsync(
                options.Program,
                [.. options.Arguments, .. monitors.SelectMany(path => new[] { "-qmp", $"unix:{path},server=on,wait=off" })]);
            var qemu = new QemuProcess(child, directory, monitors);
            await qemu.WaitForMonitorsAsync(options.StartDeadline, cancellationToken);
            return qemu;
        }
        catch
        {
            if (child is not null)
                await child.DisposeAsync();
            directory.Dispose();
            throw;
        }
    }

    /// <summary>A plain PC that stands still (<c>-S</c>) and has the given devices, for tests of the monitor alone.</summary>
    public static Task<QemuProcess> StartPcAsync(
        IEnumerable<string> arguments, int monitors = 2, CancellationToken cancellationToken = default) =>
        StartAsync(
            new QemuOptions
            {
                Arguments =
                [
                    "-accel", "tcg,tb-size=1", "-S", "-M", "q35", "-m", "64", "-nodefaults", "-no-user-config",
                    "-display", "none", .. arguments,
                ],
                Monitors = monitors,
            },
            cancellationToken);

    /// <summary>Freezes QEMU (SIGSTOP), and returns when all its threads stand still.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => _child.StopAsync(cancellationToken);

    public void Continue() => _child.Continue();

    public void Kill() => _child.Kill();

    public Task WaitForExitAsync(CancellationToken cancellationToken = default) => _child.WaitForExitAsync(cancellationToken);

    /// <summary>Resident memory by the kernel's account, in KiB.</summary>
    public long ReadResidentKib()
    {
        var stat = File.ReadAllText($"/proc/{Pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[21], System.Globalization.CultureInfo.InvariantCulture) * (Environment.SystemPageSize / 1024);
    }

    public async ValueTask DisposeAsync()
    {
        await _child.DisposeAsync();
        _directory.Dispose();
    }

    private async Task WaitForMonitorsAsync(TimeSpan deadline, CancellationToken cancellationToken)
    {
        try
        {
            await Deadline.UntilAsync(
                deadline,
                "monitor socket of QEMU",
                async token =>
                {
                    if (_child.HasExited)
                    {
                        await _child.WaitForExitAsync(token); // Its last words are read by then.
                        throw new InvalidOperationException($"QEMU exited with status {_child.ExitCode}: {Errors}");
                    }

                    return MonitorPaths.All(UnixSocket.IsListening) && await AnswersAsync(token);
                },
                cancellationToken,
                TimeSpan.FromMilliseconds(3));
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message} QEMU said: {Errors}", late);
        }
    }

    /// <summary>
    /// QEMU opens its monitors, and even greets on them, before it looks at its devices: only an answered command says
    /// that it has started. The visit is over when this returns, so that nobody finds the monitor held by us.
    /// </summary>
    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        if (MonitorPaths.Count == 0)
            return true;
        try
        {
            await using var visit = await OracleMonitor.ConnectAsync(MonitorPaths[^1], cancellationToken: cancellationToken);
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
        {
            return false; // It exited meanwhile, which the next look tells.
        }

        while (UnixSocket.Count(MonitorPaths[^1]) > 1)
            await Task.Delay(1, cancellationToken);
        return true;
    }
}
