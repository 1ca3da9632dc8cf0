using Ballast.Guests;
using BenchmarkDotNet.Attributes;

namespace Ballast.Benchmarks.Micro;

/// <summary>
/// What whole calls allocate: those of the test driver complete synchronously, those of a QEMU's monitor are awaited. How long
/// they take is the benchmark call's to say, beside a bare socket.
/// </summary>
[MemoryDiagnoser]
[HideColumns("Mean", "Error", "StdDev", "Median", "Gen0", "InvocationCount", "UnrollFactor")]
public class CallBenchmarks
{
    private readonly MemoryStat[] _stats = new MemoryStat[16];

    private DrivenGuest? _guest;
    private Connection? _test, _qemu;
    private Domain? _simulated, _real;

    [GlobalSetup]
    public async Task OpenAsync()
    {
        _guest = await Machines.StartTinyAsync(monitors: 2);
        _test = await Connection.OpenAsync("test:///default");
        _qemu = await Connection.OpenAsync($"qmp://{_guest.MonitorPath}");
        _simulated = (await _test.ListDomainsAsync())[0];
        _real = (await _qemu.ListDomainsAsync())[0];
    }

    [GlobalCleanup]
    public async Task CloseAsync()
    {
        await _qemu!.DisposeAsync();
        await _test!.DisposeAsync();
        await _guest!.DisposeAsync();
    }

    [Benchmark]
    public ValueTask<int> TestDriverFill() => _simulated!.FillMemoryStatsAsync(_stats);

    [Benchmark]
    public ValueTask<MemoryStats> TestDriverSample() => _simulated!.GetMemoryStatsAsync();

    [Benchmark]
    public ValueTask<int> MonitorFill() => _real!.FillMemoryStatsAsync(_stats);

    [Benchmark]
    public ValueTask<MemoryStats> MonitorSample() => _real!.GetMemoryStatsAsync();
}
