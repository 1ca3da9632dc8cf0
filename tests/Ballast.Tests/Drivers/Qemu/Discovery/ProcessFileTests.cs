using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

/// <summary>Files that a command line names: whatever lies there, nobody waits for it.</summary>
public sealed class ProcessFileTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly PrivateDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_plain_file_is_read()
    {
        await File.WriteAllTextAsync(_directory.File("conf"), "[name]\n", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(_directory.File("link"), "conf");
        Assert.Equal("[name]\n", await ReadAsync(_directory.File("conf")));
        Assert.Equal("[name]\n", await ReadAsync(_directory.File("link")));
    }

    [Theory]
    [InlineData("/proc/kmsg")]
    [InlineData("/proc/self/mem")]
    [InlineData("/sys/kernel/debug/tracing/trace_pipe")]
    [InlineData("/dev/zero")]
    [InlineData("/dev/tty")]
    [InlineData("/tmp")]
    [InlineData("/no/such/file")]
    [InlineData("")]
    public async Task What_is_no_plain_file_is_not_read(string path) => Assert.Null(await ReadAsync(path));

    [Fact]
    public async Task A_fifo_is_not_waited_for()
    {
        CommandResult made = await ChildProcess.RunAsync("mkfifo", [_directory.File("fifo")], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(0, made.ExitCode);
        Assert.Null(await ReadAsync(_directory.File("fifo")));
    }

    [Fact]
    public async Task A_file_without_measure_is_not_read()
    {
        using (FileStream file = File.Create(_directory.File("huge")))
            file.SetLength(1L << 40);
        Assert.Null(await ReadAsync(_directory.File("huge")));
    }

    private static Task<string?> ReadAsync(string path) => Task.Run(() => ProcessFile.Read(Environment.ProcessId, path)).WaitAsync(Soon);
}
