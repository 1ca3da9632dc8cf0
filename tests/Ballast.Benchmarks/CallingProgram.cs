using System.Diagnostics;
using System.Globalization;
using Ballast.Guests;

namespace Ballast.Benchmarks;

/// <summary>A process that calls a C library as often as it is told (tests/floor/calls.c).</summary>
internal sealed class CallingProgram : IAsyncDisposable
{
    private readonly Process _process;

    private CallingProgram(Process process) => _process = process;

    public int Pid => _process.Id;

    /// <summary>Starts it; it is connected when this returns.</summary>
    public static async Task<CallingProgram> StartAsync(string program, string library, string uri)
    {
        // It ends with its input, so with us.
        ProcessStartInfo info = new(program, [library, uri]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        CallingProgram caller = new(Process.Start(info)!);
        _ = await caller.ReadLineAsync();
        return caller;
    }

    /// <summary>Makes so many calls; returns the microseconds that one took.</summary>
    public async Task<double> RunAsync(string kind, int calls)
    {
        const double nanoseconds = 1e-3;
        await _process.StandardInput.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{kind} {calls}"));
        await _process.StandardInput.FlushAsync();
        return double.Parse(await ReadLineAsync(), CultureInfo.InvariantCulture) * nanoseconds / calls;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<string> ReadLineAsync() =>
        await Deadline.WithinAsync(Deadline.Default, "a caller's answer", token => _process.StandardOutput.ReadLineAsync(token).AsTask(), CancellationToken.None)
        ?? throw new InvalidOperationException("A caller ended.");
}
