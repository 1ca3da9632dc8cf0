using System.Globalization;

namespace Ballast.Guests;

/// <summary>
/// A monitor's owner that comes and goes: a process that connects, waits for the greeting, asks something, stays for 5 to
/// 50 ms, leaves, and is away for 10 to 200 ms.
/// </summary>
public sealed class Owner : IAsyncDisposable
{
    /// <summary>How long it waits for a greeting before it gives up a visit, in seconds.</summary>
    public const int Patience = 5;

    /// <summary>After so many visits without a greeting, one after the other, it stays away.</summary>
    public const int Attempts = 3;

    // The time from before connect to the greeting's end: connect itself waits where the socket's queue is full.
    private const string Script =
        """
        import random, socket, struct, sys, time
        path = sys.argv[1]
        visits, patience, attempts, seed = map(int, sys.argv[2:])
        random.seed(seed)
        missed = 0
        def line(s):
            data = b""
            while not data.endswith(b"\n"):
                piece = s.recv(4096)
                if not piece:
                    raise OSError("end of file")
                data += piece
        for _ in range(visits):
            s = socket.socket(socket.AF_UNIX)
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                s.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", patience, 0))
            start = time.monotonic()
            try:
                s.connect(path)
                line(s)
                print("%.3f" % ((time.monotonic() - start) * 1e3), file=sys.stderr, flush=True)
                s.sendall(b'{"execute": "qmp_capabilities"}{"execute": "query-status"}')
                line(s)
                missed = 0
            except OSError as e:
                print("none", e, file=sys.stderr, flush=True)
                missed += 1
            time.sleep(random.uniform(0.005, 0.05))
            s.close()
            if missed == attempts:
                break
            time.sleep(random.uniform(0.01, 0.2))
        """;

    private readonly ChildProcess _process;

    private Owner(ChildProcess process) => _process = process;

    /// <summary>The milliseconds to each greeting so far; null where none came.</summary>
    public IReadOnlyList<double?> Greetings =>
        [.. _process.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => double.TryParse(line, NumberStyles.Float, CultureInfo.InvariantCulture, out double milliseconds) ? milliseconds : (double?)null)];

    /// <param name="path">The monitor's socket, from here.</param>
    /// <param name="visits">How often it comes.</param>
    /// <param name="network">A process in whose network namespace it lives; null: in ours.</param>
    /// <param name="seed">Of its times.</param>
    public static async Task<Owner> StartAsync(string path, int visits, int? network = null, int seed = 1)
    {
        string[] within = network is { } pid ? ["nsenter", "--net", "--target", $"{pid}"] : [];
        string[] command = [.. within, "/usr/bin/python3", "-c", Script, path, $"{visits}", $"{Patience}", $"{Attempts}", $"{seed}"];
        return new Owner(await ChildProcess.StartAsync(command[0], command[1..]));
    }

    /// <summary>Waits until it has made all its visits, or gave up.</summary>
    public async Task<IReadOnlyList<double?>> FinishAsync(TimeSpan deadline, CancellationToken cancellationToken = default)
    {
        await _process.WaitForExitAsync(deadline, cancellationToken);
        return Greetings;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
