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
        ulong start = StartOf(child);
        Assert.Equal("old", TextOf(child, old, start));
        await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);

        string young = _directory.File("young");
        await File.WriteAllTextAsync(young, "young", TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(young, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        File.CreateSymbolicLink(link, young);
        Assert.Null(TextOf(child, young, start));
        Assert.Null(TextOf(child, link, start));
        Assert.Equal("young", TextOf(child, young, null));
        File.CreateSymbolicLink(_directory.File("new-link"), old);
        Assert.Null(TextOf(child, _directory.File("new-link"), start));
        Assert.Equal("old", TextOf(child, old, start));
        File.Move(old, _directory.File("moved"));
        Assert.Null(TextOf(child, _directory.File("moved"), start));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(11)]
    [InlineData(24)]
    public async Task Nothing_younger_is_read_whichever_call_fails(int errno)
    {
        string file = _directory.File("file");
        await File.WriteAllTextAsync(file, "old", TestContext.Current.CancellationToken);
        await using ChildProcess child = await ChildProcess.StartAsync("sleep", ["300"]);
        ulong start = StartOf(child);
        await Task.Delay(TimeSpan.FromMilliseconds(100), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(file, "young", TestContext.Current.CancellationToken);
        int calls = 0, failing = -1;
        HostCalls.Fault = (_, _) => calls++ == failing ? errno : 0;
        try
        {
            Assert.Null(TextOf(child, file, start));
            int all = calls;
            Assert.InRange(all, 5, 1000);
            for (failing = 0; failing < all; failing++)
            {
                calls = 0;
                Assert.True(TextOf(child, file, start) is null, $"The file was read where call {failing} of {all} failed.");
            }
        }
        finally
        {
            HostCalls.Fault = null;
        }
    }

    [Theory]
    [InlineData("link/vm", "another")]
    [InlineData("chain/vm", "another")]
    [InlineData("way/../link/vm", "another")]
    [InlineData("young/vm", "another")]
    [InlineData("swapped/vm", "doubtful")]
    [InlineData("filled/vm", "doubtful")]
    [InlineData("used/vm", "doubtful")]
    [InlineData("steady/vm", "certain")]
    public async Task Whatever_was_changed_on_the_way_to_a_file_counts(string path, string verdict)
    {
        // All that the files say was there before.
        foreach (string directory in (string[])["old", "new", "swapped", "filled", "other", "another", "used", "steady", "way", "store"])
            await MakeAsync(directory);
        PointTo("link", "old");
        PointTo("mid", "old");
        PointTo("chain", "mid");
        await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        List<(string Root, ChildProcess Process)> started = await StartEachAsync();
        foreach ((string root, ChildProcess process) in started)
            Assert.Equal(path == "young/vm" ? "another" : "certain", Judge(process, $"{root}{path}"));
        await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        PointTo("link", "new");
        PointTo("mid", "new");
        Directory.Move($"{Base}/swapped", $"{Base}/store/swapped");
        Directory.Move($"{Base}/other", $"{Base}/swapped");
        Directory.Move($"{Base}/filled", $"{Base}/store/filled");
        Directory.Move($"{Base}/another", $"{Base}/filled");
        await MakeAsync("young");
        foreach (string directory in (string[])["filled", "used"])
            await File.WriteAllTextAsync($"{Base}/{directory}/note", "", TestContext.Current.CancellationToken);
        foreach ((string root, ChildProcess process) in started)
        {
            await using (process)
                Assert.Equal(verdict, Judge(process, $"{root}{path}"));
        }
    }

    [Fact]
    public async Task A_file_is_looked_for_in_the_processs_own_root_and_nowhere_else()
    {
        // The link leads to another file from here than from there; where there is none there, ours is not its.
        string root = Directory.CreateDirectory(_directory.File("root")).FullName, etc = $"{root}{_directory.Path}";
        Directory.CreateDirectory(etc);
        await File.WriteAllTextAsync($"{etc}/vm", "theirs", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_directory.File("vm"), "ours", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_directory.File("gone"), "ours", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink($"{root}/link", _directory.File("vm"));
        File.CreateSymbolicLink($"{root}/way", _directory.Path);
        await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        await using ChildProcess process = await StartAsync(root, "/");
        ulong start = StartOf(process);
        Assert.Equal("theirs", TextOf(process, "/link", start));
        Assert.Equal("theirs", TextOf(process, "/way/vm", start));
        Assert.Null(TextOf(process, _directory.File("gone"), start));

        // What is done to our file changes nothing for it.
        await Task.Delay(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_directory.File("vm"), "changed", TestContext.Current.CancellationToken);
        Assert.Equal("theirs", TextOf(process, "/way/vm", start));
        File.Delete($"{root}/way");
        File.CreateSymbolicLink($"{root}/way", _directory.Path);
        Assert.Null(TextOf(process, "/way/vm", start));
        Assert.Equal("theirs", TextOf(process, "/link", start));
    }

    // In the one above, nothing is changed meanwhile.
    private string Base => _directory.File("base");

    private async Task MakeAsync(string directory)
    {
        Directory.CreateDirectory($"{Base}/{directory}");
        await File.WriteAllTextAsync($"{Base}/{directory}/vm", directory, TestContext.Current.CancellationToken);
    }

    private void PointTo(string link, string target)
    {
        File.Delete($"{Base}/{link}");
        File.CreateSymbolicLink($"{Base}/{link}", target);
    }

    // One that sees the directory as all do, one that is in it, one whose root it is.
    private async Task<List<(string Root, ChildProcess Process)>> StartEachAsync() =>
    [
        ($"{Base}/", await StartAsync("/", "/")),
        ("", await StartAsync("/", Base)),
        ("/", await StartAsync(Base, "/")),
    ];

    private static async Task<ChildProcess> StartAsync(string root, string directory)
    {
        ChildProcess process = await ChildProcess.StartAsync("/usr/bin/python3", [
            "-c", "import os,sys,time; os.chroot(sys.argv[1]); os.chdir(sys.argv[2]); print('there',file=sys.stderr,flush=True); time.sleep(300)", root, directory]);
        await Waiting.UntilAsync("its root", () => process.Errors.Length > 0);
        return process;
    }

    private static ulong StartOf(ChildProcess process)
    {
        string stat = File.ReadAllText($"/proc/{process.Pid}/stat");
        return ulong.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture);
    }

    private static string? TextOf(ChildProcess process, string path, ulong? start) => ProcessFile.Read(process.Pid, path, start)?.Text;

    private static string Judge(ChildProcess process, string path) =>
        ProcessFile.Read(process.Pid, path, StartOf(process)) switch { null => "another", { IsCertain: false } => "doubtful", _ => "certain" };

    private static Task<string?> ReadAsync(string path) => Task.Run(() => ProcessFile.Read(Environment.ProcessId, path)?.Text).WaitAsync(Soon);
}
