using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Processes that answer QMP under QEMU's name, and are replaced all the time (<c>tests/worlds/churn-qemu.c</c>).</summary>
internal sealed class ChurnHerd : IAsyncDisposable
{
    private readonly PrivateDirectory _programs;
    private readonly PrivateDirectory _monitors = new();
    private ChildProcess? _herd;

    private ChurnHerd(PrivateDirectory programs) => _programs = programs;

    /// <summary>Where their sockets lie.</summary>
    public string DirectoryPath => _monitors.Path;

    public static async Task<ChurnHerd> BuildAsync(CancellationToken cancellationToken)
    {
        PrivateDirectory programs = new();
        string source = Path.Combine(NativeProgram.Root, "tests/worlds/churn-qemu.c");
        CommandResult built = await ChildProcess.RunAsync(
            "gcc", ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-o", programs.File("herd"), source], cancellationToken: cancellationToken);
        if (built.ExitCode != 0)
        {
            programs.Dispose();
            throw new InvalidOperationException($"gcc {source}: {built.Errors}");
        }

        File.Copy(programs.File("herd"), programs.File("qemu-system-x86_64"));
        return new ChurnHerd(programs);
    }

    /// <summary>Keeps so many, and replaces so many a second.</summary>
    public async Task StartAsync(int population, int perSecond, TimeSpan time) =>
        _herd = await ChildProcess.StartAsync(
            _programs.File("herd"),
            [_programs.File("qemu-system-x86_64"), _monitors.Path, $"{population}", $"{perSecond}", $"{(int)time.TotalSeconds}"]);

    public bool HasEnded => _herd!.HasExited;

    /// <summary>Waits until all are gone; returns how many were replaced.</summary>
    public async Task<int> FinishAsync(CancellationToken cancellationToken)
    {
        await _herd!.WaitForExitAsync(cancellationToken);
        return _herd.Errors.Split(' ') is ["replaced", var count] && int.TryParse(count, out int replaced)
            ? replaced
            : throw new InvalidOperationException($"the herd ended with {_herd.ExitCode}: {_herd.Errors}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_herd is not null)
            await _herd.DisposeAsync();
        _monitors.Dispose();
        _programs.Dispose();
    }
}
