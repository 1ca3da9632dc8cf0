using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>What a process is known by: its id, its start and what it runs, and neither its file's name nor its own.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class SameProcessTests : IdentityTest
{
    private const string Program = "/usr/bin/qemu-system-x86_64";

    // A program that is moved does not find its modules by itself.
    private const string Elsewhere = "export QEMU_MODULE_DIR=$(dirname \"$(find /usr/lib -name accel-tcg-x86_64.so | head -n 1)\")";

    // It becomes another guest of the same program under the same id, as QEMU does in a migration by exec.
    private const string Becomes =
        "import os,signal,sys,time\n"
        + "def become(*_): os.execv(sys.argv[1], [sys.argv[1], '-c', 'import time; time.sleep(300)', '-name', 'second', '-m', '64'])\n"
        + "signal.signal(signal.SIGUSR1, become)\n"
        + "while True: time.sleep(60)\n";

    [Theory]
    [InlineData("the directory")]
    [InlineData("the file")]
    [InlineData("to another name")]
    public async Task A_program_that_is_moved_is_the_same_guest(string what)
    {
        string directory = MakeDirectory("qemu-1"), file = $"{directory}/qemu-system-x86_64";
        File.Copy(Program, file);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "moved",
            Uuid = Guid.NewGuid(),
            Through = ["sh", "-c", $"{Elsewhere}; shift; exec \"$0\" \"$@\"", file],
            Arguments = [.. Monitor(Root.File("q.sock")), "-L", "/usr/share/qemu"],
        });
        await using Connection connection = await OpenAsync();
        Domain domain = await DomainOfAsync(connection, qemu);
        await IsReachedAsync(domain, qemu);
        if (what == "the directory")
            Directory.Move(directory, Root.File("qemu-2"));
        else
            File.Move(file, what == "the file" ? $"{directory}/qemu-system-x86_64.old" : $"{directory}/other");
        await Task.Delay(TimeSpan.FromMilliseconds(300), Token);
        foreach (string _ in (string[])["at once", "and later"])
        {
            Assert.Equal("moved", (await DomainOfAsync(connection, qemu)).Name);
            await IsReachedAsync(domain, qemu);
        }
    }

    [Fact]
    public async Task A_process_that_runs_something_else_is_another_guest()
    {
        string file = Root.File("qemu-system-x86_64");
        File.Copy("/usr/bin/python3", file);
        await using ChildProcess process = await ChildProcess.StartAsync(
            file, ["-c", Becomes, file, "-name", "first", "-m", "64"], new Dictionary<string, string> { ["PYTHONHOME"] = "/usr" });
        await using Connection connection = await OpenAsync();
        await Deadline.UntilAsync(Deadline.Default, "its signal handler", _ => Task.FromResult(Caught(process.Pid)), Token);
        Domain first = await connection.LookupByNameAsync("first", Token);
        Assert.Equal(process.Pid, first.Id);
        process.Signal(10);
        await Deadline.UntilAsync(Deadline.Default, "the other command line", _ => Task.FromResult(
            File.ReadAllText($"/proc/{process.Pid}/cmdline").Contains("second", StringComparison.Ordinal)), Token);
        await Task.Delay(TimeSpan.FromMilliseconds(300), Token);
        Assert.Equal("second", Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token), domain => domain.Id == process.Pid).Name);
        LibvirtException gone = await Assert.ThrowsAsync<LibvirtException>(async () => await first.GetStateAsync(Token));
        Assert.Equal(ErrorCode.NoDomain, gone.Code);
    }

    [Theory]
    [InlineData(Host, "web1")]
    [InlineData("directory", "web1")]
    [InlineData("directory", "copy")]
    public async Task One_that_is_called_otherwise_is_one_guest_as_long_as_its_program_is_known(string where, string calledAs)
    {
        string directory = MakeDirectory("x"), file = Program;
        if (calledAs == "copy")
            File.Copy(Program, file = Root.File("myvm"));
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "called",
            Uuid = Guid.NewGuid(),
            Through = ["bash", "-c", $"{Elsewhere}; file=$1; shift 2; exec -a \"$0\" \"$file\" \"$@\"", calledAs == "copy" ? file : calledAs, file],
            Arguments = [.. Monitor($"{directory}/a.sock"), .. Monitor($"{directory}/b.sock"), "-L", "/usr/share/qemu"],
        });
        await using Connection connection = await OpenAsync(where == Host ? Host : $"qmp://{directory}");
        if (calledAs == "copy")
        {
            // Nothing tells it from a relay of two QEMUs, and nothing but their word says whose the name is.
            IReadOnlyList<Domain> both = await connection.ListDomainsAsync(cancellationToken: Token);
            Assert.All(both, domain => Assert.Equal(0, domain.Id));
            Assert.Equal(2, both.Count);
            Assert.All(both, domain => Assert.StartsWith("called@", domain.Name, StringComparison.Ordinal));
            Assert.NotEqual(both[0].Name, both[1].Name);
            Assert.All(await Task.WhenAll(both.Select(SampleAsync)), one => Assert.Equal(qemu.MemoryKib, one.ActualKiB));
            return;
        }

        Domain domain = await DomainOfAsync(connection, qemu);
        Assert.Equal("called", domain.Name);
        MemoryStats sample = await SampleAsync(domain);
        Assert.Equal(qemu.MemoryKib, sample.ActualKiB);
        Assert.NotNull(sample.RssKiB);
    }

    [Theory]
    [InlineData("openat2")]
    [InlineData("statx")]
    public async Task Where_its_monitor_could_not_be_reached_it_gets_no_signal(string call)
    {
        PlainQemu qemu = await StartAsync("spared", Root.File("q.sock"), Guid.NewGuid());
        await using Connection connection = await OpenAsync();
        Domain domain = await connection.LookupByNameAsync("spared", Token);

        // No descriptors left.
        HostCalls.Fault = (name, _) => name == call ? 24 : 0;
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.DestroyAsync(cancellationToken: Token));
        HostCalls.Fault = null;
        Assert.Equal(ErrorCode.SystemError, error.Code);
        Assert.Contains("Too many open files", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("name its socket", error.Message, StringComparison.Ordinal);
        Assert.Equal(qemu.MemoryKib, await qemu.TargetKibAsync(Token));
    }

    private static bool Caught(int pid) => File.ReadAllLines($"/proc/{pid}/status").Any(
        line => line.StartsWith("SigCgt:", StringComparison.Ordinal) && (Convert.ToUInt64(line[7..].Trim(), 16) & (1 << 9)) != 0);
}
