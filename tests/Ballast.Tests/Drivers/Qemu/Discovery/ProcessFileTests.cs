using System.Globalization;
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

    [Fact]
    public async Task What_was_changed_since_the_process_started_was_not_read_by_it()
    {
        string old = _directory.File("old"), link = _directory.File("link");
        await File.WriteAllTextAsync(old, "old", TestContext.Current.CancellationToken);
        await using ChildProcess child = await ChildProcess.StartAsync("sleep", ["300"]);
        string stat = await File.ReadAllTextAsync($"/proc/{child.Pid}/stat", TestContext.Current.CancellationToken);
        ulong start = ulong.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture);
        Assert.Equal("old", ProcessFile.Read(child.Pid, old, start));
        await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);

        string young = _directory.File("young");
        await File.WriteAllTextAsync(young, "young", TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(young, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        File.CreateSymbolicLink(link, young);
        Assert.Null(ProcessFile.Read(child.Pid, young, start));
        Assert.Null(ProcessFile.Read(child.Pid, link, start));
        Assert.Equal("young", ProcessFile.Read(child.Pid, young));
        File.CreateSymbolicLink(_directory.File("new-link"), old);
        Assert.Null(ProcessFile.Read(child.Pid, _directory.File("new-link"), start));
        Assert.Equal("old", ProcessFile.Read(child.Pid, old, start));
        File.Move(old, _directory.File("moved"));
        Assert.Null(ProcessFile.Read(child.Pid, _directory.File("moved"), start));
    }

    private static Task<string?> ReadAsync(string path) => Task.Run(() => ProcessFile.Read(Environment.ProcessId, path)).WaitAsync(Soon);
}
