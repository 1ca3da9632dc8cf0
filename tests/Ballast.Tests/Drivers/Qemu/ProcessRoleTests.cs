using System.Globalization;
using System.Text;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;
using QemuProcess = Ballast.Drivers.Qemu.Processes.QemuProcess;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>What a process is does not change because nobody could look for a moment.</summary>
public sealed class ProcessRoleTests
{
    private const int TooManyOpen = 24;

    private const string Wait = "while :; do sleep 1; done";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_became_another_program_is_another_also_after_a_look_that_failed()
    {
        using PrivateDirectory directory = new();
        string go = directory.File("go");
        await using ChildProcess child = await ChildProcess.StartAsync("bash", [
            "-c", """exec -a qemu-system-x86_64 bash -c 'until [ -e "$0" ]; do sleep 0.01; done; exec -a qemu-system-arm sleep 300' "$0" """, go]);
        await SaysAsync(child.Pid, "qemu-system-x86_64\0");
        using QemuProcess process = QemuProcess.Find(child.Pid)!;
        Assert.True(process.IsSame);
        await File.WriteAllTextAsync(go, "", Token);
        await SaysAsync(child.Pid, "qemu-system-arm\0");

        HostCalls.Fault = static (_, what) => what.EndsWith("/cmdline", StringComparison.Ordinal) ? TooManyOpen : 0;
        bool whileNobodyCouldLook = process.IsSame;
        HostCalls.Fault = null;

        Assert.True(whileNobodyCouldLook);
        Assert.False(process.IsSame);
    }

    [Fact]
    public async Task Who_waits_for_its_starter_still_does_where_nobody_could_look_at_it()
    {
        // The starter leads the session, and ends when it is told to.
        await using ChildProcess starter = await ChildProcess.StartAsync("setsid", [
            "--wait", "bash", "-c", """(exec -a qemu-system-x86_64 bash -c "$0" bash -daemonize >/dev/null 2>&1) & echo $! >&2; exec sleep 300""", Wait]);
        await Waiting.UntilAsync("process", () => starter.Errors.Length > 0);
        int pid = int.Parse(starter.Errors, CultureInfo.InvariantCulture);
        try
        {
            await SaysAsync(pid, "qemu-system-x86_64\0");
            using QemuProcess process = QemuProcess.Find(pid)!;
            Assert.True(process.CommandLine.BecomesDaemon);
            int leader = SessionOf(pid);
            Assert.NotEqual(pid, leader);
            Assert.True(process.IsLaunching(new HostView()));
            ChildProcess.Kill(leader);
            await Waiting.UntilAsync("end of the leader", () => !Directory.Exists($"/proc/{leader}"));

            HostCalls.Fault = (_, what) => what == $"/proc/{leader}/stat" ? TooManyOpen : 0;
            bool whileNobodyCouldLook = process.IsLaunching(new HostView());
            HostCalls.Fault = null;

            Assert.True(whileNobodyCouldLook);
            Assert.False(process.IsLaunching(new HostView()));
        }
        finally
        {
            ChildProcess.Kill(pid);
        }
    }

    [Theory]
    [InlineData("-qmp", 1, true)]
    [InlineData("-name", 1, false)]
    [InlineData("-name -m", 1, true)]
    [InlineData("-name -vnc none", 1, true)]
    [InlineData("-name -name", 1, false)]
    [InlineData("-name -other", 1, false)]
    [InlineData("-name", 600, true)]
    [InlineData("name", 600, false)]
    public async Task One_with_another_name_is_known_by_what_it_runs_if_its_options_may_be_QEMUs(string options, int length, bool isFound)
    {
        using PrivateDirectory directory = new();
        string program = directory.File("qemu-system-x86_64"), script = directory.File("script");
        File.Copy("/bin/bash", program);
        await File.WriteAllTextAsync(script, Wait, Token);
        await using ChildProcess child = await ChildProcess.StartAsync(
            "bash", ["-c", "exec -a vm \"$0\" \"$@\"", program, script, .. options.Split(' '), new string('x', length)]);
        await SaysAsync(child.Pid, "vm\0");
        using QemuProcess? process = QemuProcess.MayBeQemu(child.Pid, out _) ? QemuProcess.Find(child.Pid) : null;
        Assert.Equal(isFound, process is not null);
    }

    [Theory]
    [InlineData("ld-linux-x86-64.so.2", 5, true)]
    [InlineData("memcheck-amd64-linux", 5, true)]
    [InlineData("qemu-aarch64-static", 1, true)]
    [InlineData("x86_64-binfmt-P", 1, true)]
    [InlineData("gdb", 1, false)]
    [InlineData("timeout", 0, false)]
    public async Task One_that_another_program_has_loaded_is_known_by_its_file_in_memory(string file, int rights, bool isFound)
    {
        using PrivateDirectory directory = new();
        string loader = directory.File(file), program = directory.File("qemu-system-aarch64");
        File.Copy("/usr/bin/python3", loader);
        File.Copy("/bin/true", program);
        const string load = "import mmap,sys,time; rights=int(sys.argv[1]); f=open(sys.argv[2],'rb'); m=mmap.mmap(f.fileno(),4096,flags=mmap.MAP_PRIVATE,prot=rights) if rights else 0; "
            + "print('there',file=sys.stderr,flush=True); time.sleep(300)";
        await using ChildProcess child = await ChildProcess.StartAsync(
            loader, ["-c", load, $"{rights}", program, "-name", "vm", "-qmp", "unix:q,server=on"], new Dictionary<string, string> { ["PYTHONHOME"] = "/usr" });
        await Waiting.UntilAsync("its program", () => child.Errors.Length > 0);
        using QemuProcess? process = QemuProcess.MayBeQemu(child.Pid, out _) ? QemuProcess.Find(child.Pid) : null;
        Assert.Equal(isFound, process is not null);
        if (process is not null)
            Assert.Equal((program, "vm", true), (process.Executable, process.CommandLine.Name, process.CommandLine.Binds("q")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(13)]
    public void Descriptors_whose_links_may_not_be_read_are_not_none(int errno)
    {
        Assert.NotNull(ProcessSockets.Read(Environment.ProcessId));
        HostCalls.Fault = (call, _) => call == "readlinkat" ? errno : 0;
        ProcessSockets? sockets = ProcessSockets.Read(Environment.ProcessId);
        HostCalls.Fault = null;
        Assert.Null(sockets);
    }

    // As long as nobody waits for it, it keeps its number.
    [Fact]
    public async Task What_proc_does_not_show_has_ended_also_if_nobody_waited_for_it()
    {
        const int noEntry = 2;
        await using ChildProcess parent = await ChildProcess.StartAsync("bash", ["-c", "sleep 60 & exec sleep 60"]);

        // A shell would wait for it.
        await Waiting.UntilAsync("program", () => File.ReadAllText($"/proc/{parent.Pid}/comm") == "sleep\n" && ProcessTable.Children(parent.Pid).Any());
        int pid = ProcessTable.Children(parent.Pid).First();
        ChildProcess.Kill(pid);
        await Waiting.UntilAsync("end that nobody waits for", () => File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal));
        HostCalls.Fault = (_, what) => what.StartsWith($"/proc/{pid}/", StringComparison.Ordinal) ? noEntry : 0;
        try
        {
            Assert.True(ProcessTable.IsEnding(pid));
        }
        finally
        {
            HostCalls.Fault = null;
        }
    }

    // As with hidepid: who may not look into a process finds nothing of it there.
    [Fact]
    public async Task What_proc_does_not_show_has_not_ended()
    {
        const int noEntry = 2;
        await using ChildProcess child = await ChildProcess.StartAsync("bash", ["-c", $"exec -a qemu-system-x86_64 bash -c '{Wait}' -name vm"]);
        await SaysAsync(child.Pid, "qemu-system-x86_64\0");
        using QemuProcess stranger = QemuProcess.FindStranger(child.Pid, ProcessTable.OwnerOf(child.Pid)!.Value, mayRead: true)!;
        HostCalls.Fault = (_, what) => what.StartsWith($"/proc/{child.Pid}/", StringComparison.Ordinal) ? noEntry : 0;
        try
        {
            Assert.False(ProcessTable.IsEnding(child.Pid));
            Assert.False(stranger.HasExited);
            child.Kill();
            await child.WaitForExitAsync(Token);
            Assert.True(ProcessTable.IsEnding(child.Pid));
            Assert.True(stranger.HasExited);
        }
        finally
        {
            HostCalls.Fault = null;
        }
    }

    private static Task SaysAsync(int pid, string start) => Waiting.UntilAsync(
        start, () => Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{pid}/cmdline")).StartsWith(start, StringComparison.Ordinal));

    private static int SessionOf(int pid)
    {
        const int sessionAfterName = 3;
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[sessionAfterName], CultureInfo.InvariantCulture);
    }
}
