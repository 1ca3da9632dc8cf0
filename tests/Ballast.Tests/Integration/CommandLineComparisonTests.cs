using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>What we read from a command line is what the QEMU that was started with it says of itself.</summary>
[Trait("needs", "qemu")]
public sealed class CommandLineComparisonTests(ITestOutputHelper output) : IDisposable
{
    private const string Qemu = "qemu-system-x86_64";

    // Enough for the two processors of a small machine.
    private const int AtATime = 4, Attempts = 3;
    private const int FewestCompared = 100;

    private static readonly TimeSpan AnAttempt = TimeSpan.FromSeconds(5);

    private static readonly string[] First = ["-M", "none", "-S", "-display", "none", "-nodefaults", "-serial", "none"];

    private readonly PrivateDirectory _directory = new();
    private int _count;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task What_a_command_line_says_is_what_QEMU_says()
    {
        ConcurrentBag<string> differences = [], refused = [];
        string[] lines = [.. Lines(KnownCommandLines.OfPrograms), .. Lines(OddCommandLines.Taken)];
        await ForEachAsync(lines, async line =>
        {
            // Another version may refuse what this one takes; what it takes it must mean alike.
            (string? said, string read, string errors) = await CompareAsync(line);
            if (said is null)
                refused.Add($"{line}\n  {errors}");
            else if (said != read)
                differences.Add($"{line}\n  QEMU: {said}\n  read: {read}");
        });
        output.WriteLine($"{lines.Length} command lines, refused:\n{string.Join('\n', refused)}");
        Assert.True(differences.IsEmpty, string.Join('\n', differences));
        Assert.InRange(lines.Length - refused.Count, FewestCompared, lines.Length);
    }

    [Fact]
    public async Task What_QEMU_refuses_says_nothing()
    {
        ConcurrentBag<string> differences = [];
        await ForEachAsync(Lines(OddCommandLines.Refused), async line =>
        {
            (string? said, string read, _) = await CompareAsync(line);
            if ((said ?? "name= uuid= KiB= monitors=") != read)
                differences.Add($"{line}\n  QEMU: {said ?? "refused"}\n  read: {read}");
        });
        Assert.True(differences.IsEmpty, string.Join('\n', differences));
    }

    [Fact]
    public async Task Each_option_takes_an_argument_where_QEMU_says_so()
    {
        CommandResult help = await ChildProcess.RunAsync(Qemu, ["-help"], cancellationToken: Token);
        string[] options =
        [
            .. help.Output.Split('\n').Where(line => line.StartsWith('-')).SelectMany(line => line.Split(' ', '\t')[0].Split('/'))
                .Select(option => option.TrimStart('-')).Concat(["M", "no-hpet", "nic", "qtest", "nographic"]).Distinct(),
        ];
        Assert.InRange(options.Length, FewestCompared, 1000);
        ConcurrentBag<string> differences = [];
        await ForEachAsync(options, async option =>
        {
            // Arguments are counted before the machine is looked for.
            CommandResult result = await ChildProcess.RunAsync(Qemu, ["-M", "no-such-machine", $"-{option}"], cancellationToken: Token);
            if (result.Errors.Contains("requires an argument", StringComparison.Ordinal) != OptionTable.TakesArgument(option))
                differences.Add($"{option}: {result.Errors.Trim()}");
        });
        Assert.True(differences.IsEmpty, string.Join('\n', differences));
    }

    [Fact]
    public async Task A_guest_that_waits_is_told_and_does_wait()
    {
        string waiting = _directory.File("w"), oracle = _directory.File("o");
        await using ChildProcess qemu = await ChildProcess.StartAsync(
            Qemu, [.. First, "-qmp", $"unix:{waiting},server=on", "-qmp", $"unix:{oracle},server=on,wait=off"]);
        await Deadline.UntilAsync(Deadline.Default, "a listening monitor", _ => Task.FromResult(File.Exists(waiting)), Token);
        Assert.True(QemuCommandLine.TryRead(qemu.Pid, out QemuCommandLine? line));
        Assert.Equal([true, false], line.Monitors.Select(monitor => monitor.WaitsForClient));
        Assert.False(File.Exists(oracle));
        await using OracleMonitor monitor = await OracleMonitor.ConnectAsync(waiting, cancellationToken: Token);
        Assert.True(File.Exists(oracle));
    }

    [Fact]
    public async Task A_daemon_is_at_the_root_and_tells_where_it_was_started()
    {
        string start = $"cd {_directory.Path} && exec {Qemu} {string.Join(' ', First)} -daemonize -pidfile p -qmp unix:q.sock,server=on,wait=off";
        Assert.Equal(0, (await ChildProcess.RunAsync("sh", ["-c", start], cancellationToken: Token)).ExitCode);
        int pid = int.Parse(await File.ReadAllTextAsync(_directory.File("p"), Token), CultureInfo.InvariantCulture);
        try
        {
            Assert.True(QemuCommandLine.TryRead(pid, out QemuCommandLine? line));
            Assert.Equal(("/", _directory.Path), (line.WorkingDirectory, line.LaunchDirectory));
            Assert.Equal("q.sock", Assert.Single(line.Monitors).Path);
        }
        finally
        {
            ChildProcess.Terminate(pid);
        }
    }

    private static Task ForEachAsync(IEnumerable<string> items, Func<string, Task> work) => Parallel.ForEachAsync(
        items, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = Token }, async (item, _) => await work(item));

    // A QEMU that is connected to while it hands a monitor to the thread that serves it, may never greet there: it is started again.
    private async Task<(string? Said, string Read, string Errors)> CompareAsync(string line)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                (string? said, string read, string errors) = await CompareOnceAsync(line);
                if (said is null || said == read || attempt == Attempts)
                    return (said, read, errors);
            }
            catch (TimeoutException) when (attempt < Attempts)
            {
            }
        }
    }

    private async Task<(string? Said, string Read, string Errors)> CompareOnceAsync(string line)
    {
        string directory = Directory.CreateDirectory(_directory.File($"{Interlocked.Increment(ref _count)}")).FullName;
        foreach ((string name, string text) in KnownCommandLines.Files)
            await File.WriteAllTextAsync(Path.Join(directory, name), text.Replace("DIR", directory, StringComparison.Ordinal), Token);
        await using (FileStream image = File.Create(Path.Join(directory, "disk.img")))
            image.SetLength(1024 * 1024);
        string oracle = Path.Join(directory, "o");
        string[] arguments =
        [
            .. First, .. Words(line).Select(word => word.Replace("DIR", directory, StringComparison.Ordinal)),
            "-qmp", $"unix:{oracle},server=on,wait=off",
        ];

        await using ChildProcess qemu = await ChildProcess.StartAsync("env", ["-C", directory, Qemu, .. arguments]);
        if (await ConnectAsync(qemu, line, oracle) is not { } monitor)
            return (null, Describe(new QemuCommandLine([Qemu, .. arguments], directory)), qemu.Errors);
        await using (monitor)
        {
            Assert.True(QemuCommandLine.TryRead(qemu.Pid, out QemuCommandLine? read, path => File.ReadAllText(Path.Combine(directory, path))));
            Assert.Equal(directory, read.WorkingDirectory);
            return (await AskAsync(monitor, read, directory), Describe(read), qemu.Errors);
        }
    }

    private static async Task<OracleMonitor?> ConnectAsync(ChildProcess qemu, string line, string path)
    {
        OracleMonitor? monitor = null;
        Exception? last = null;
        try
        {
            await Deadline.UntilAsync(Deadline.Default, "monitor or end", async token =>
            {
                if (qemu.HasExited)
                    return true;
                try
                {
                    // One that fails late closes the monitor again, perhaps without having greeted whoever waits in its queue.
                    monitor = File.Exists(path) ? await OracleMonitor.ConnectAsync(path, AnAttempt, token) : null;
                }
                catch (Exception e) when (e is IOException or SocketException or TimeoutException)
                {
                    last = e;
                }

                return monitor is not null;
            }, Token);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{line}: {e.Message} {last?.Message} {qemu.Errors} {await HowItIsAsync(qemu.Pid)}", e);
        }

        return monitor;
    }

    // What it waits for, by the kernel.
    private static async Task<string> HowItIsAsync(int pid) => string.Join(
        ' ', (await Task.WhenAll(
            Directory.GetDirectories($"/proc/{pid}/task").Select(thread => File.ReadAllTextAsync($"{thread}/stat", Token)))).Select(stat => stat.Trim()));

    // The last monitor is the oracle's own.
    private static string Describe(QemuCommandLine line) => Describe(
        line.Name, line.Uuid?.ToString(), line.MemoryKiB?.Value,
        line.Monitors.SkipLast(1).Select(monitor => monitor.Kind switch
        {
            MonitorKind.Unix or MonitorKind.Abstract => monitor.Address,
            MonitorKind.Tcp => monitor.Address![..(monitor.Address!.LastIndexOf(':') + 1)],
            _ => null,
        }).OfType<string>());

    // Who is at an address counts, not how many devices were given it.
    private static string Describe(string? name, string? uuid, ulong? kib, IEnumerable<string> monitors) =>
        $"name={name} uuid={uuid} KiB={kib} monitors={string.Join(' ', monitors.Distinct().Order(StringComparer.Ordinal))}";

    private static async Task<string> AskAsync(OracleMonitor monitor, QemuCommandLine read, string directory)
    {
        JsonElement name = await monitor.ExecuteAsync("query-name", cancellationToken: Token);
        Guid uuid = (await monitor.ExecuteAsync("query-uuid", cancellationToken: Token)).GetProperty("UUID").GetGuid();
        ulong bytes = (await monitor.ExecuteAsync("query-memory-size-summary", cancellationToken: Token)).GetProperty("base-memory").GetUInt64();
        string[] expected = [.. read.Monitors.Select(one => one.Address!)];
        List<string> monitors = [];
        foreach (JsonElement device in (await monitor.ExecuteAsync("query-chardev", cancellationToken: Token)).EnumerateArray())
        {
            const string start = "disconnected:", end = ",server=on", named = ",abstract=on,tight=on";
            string at = device.GetProperty("filename").GetString()!;
            if (!at.StartsWith(start, StringComparison.Ordinal) || !at.EndsWith(end, StringComparison.Ordinal))
                continue;
            at = at[start.Length..^end.Length];
            if (at.EndsWith(named, StringComparison.Ordinal))
                at = at[..^named.Length].Replace("unix:", "abstract:", StringComparison.Ordinal);
            if (await IsForProgramsAsync(at, directory, Array.IndexOf(expected, at) >= 0 || at.StartsWith("tcp:", StringComparison.Ordinal)))
                monitors.Add(at.StartsWith("tcp:", StringComparison.Ordinal) ? at[..(at.LastIndexOf(':') + 1)] : at);
        }

        // Where no memory is given the machine's default counts, which we do not claim to know.
        const ulong ofMachines = 128 * 1024 * 1024;
        bool isDefault = read.MemoryKiB is null && bytes is 0 or ofMachines;
        return Describe(
            name.TryGetProperty("name", out JsonElement said) ? said.GetString() : null, uuid == Guid.Empty ? null : uuid.ToString(),
            isDefault ? null : bytes / 1024, monitors);
    }

    // A monitor for programs greets with what it speaks, a human's with its version, other devices not at all.
    private static async Task<bool> IsForProgramsAsync(string address, string directory, bool isExpected)
    {
        EndPoint? end = address.Split(':', 2) switch
        {
            ["unix", var path] => new UnixDomainSocketEndPoint(Path.Combine(directory, path)),
            ["abstract", var name] => new UnixDomainSocketEndPoint($"\0{name}"),
            ["tcp", var port] => IPEndPoint.Parse(port),
            _ => null, // Telnet and the like, which nobody here speaks.
        };
        if (end is null)
            return false;
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(isExpected ? TimeSpan.FromSeconds(20) : TimeSpan.FromMilliseconds(300));
        using Socket socket = new(end.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(end, patience.Token);
            const string start = "\"QMP\"";
            byte[] buffer = new byte[64];
            string greeting = "";

            // It comes in pieces of any size.
            while (greeting.Length < start.Length && await socket.ReceiveAsync(buffer, SocketFlags.None, patience.Token) is var length and > 0)
                greeting = (greeting + Encoding.UTF8.GetString(buffer, 0, length)).TrimStart('{', ' ', '\r', '\n');
            return greeting.StartsWith(start, StringComparison.Ordinal);
        }
        catch (OperationCanceledException) when (!Token.IsCancellationRequested)
        {
            return false;
        }
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static IEnumerable<string> Words(string line)
    {
        StringBuilder word = new();
        bool isQuoted = false, isWord = false;
        foreach (char c in line + ' ')
        {
            if (c == '\'')
            {
                isQuoted = !isQuoted;
                isWord = true;
            }
            else if (c == ' ' && !isQuoted)
            {
                if (isWord)
                    yield return word.ToString();
                word.Clear();
                isWord = false;
            }
            else
            {
                word.Append(c);
                isWord = true;
            }
        }
    }
}
