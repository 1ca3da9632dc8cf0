using System.Globalization;
using System.Text.Json;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Doctor;

/// <summary>A real guest is made ill on purpose: <c>doctor</c> and <c>memory</c> name the illness, and the remedy that they print helps.</summary>
[Trait("needs", "qemu")]
public sealed class IllGuestTests
{
    private const int WholeMib = 512;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_illness_of_a_guest_and_its_QEMU_is_named_and_its_remedy_helps()
    {
        await using Patient patient = await Patient.StartAsync("patient", deflates: false, "virtio-balloon-pci");

        await patient.CureAsync("polling off");
        await patient.IsWellAsync("its period was set");

        await patient.BallastAsync("suspend", "patient");
        await patient.CureAsync("paused");
        await patient.IsWellAsync("it was resumed");

        await patient.Guest.Process.StopAsync(Token);
        Assert.Equal("error", (await patient.CureAsync("monitor hung")).Severity);

        // On a busy machine, it greets when it is its turn.
        await DoctorRun.FindsAsync(patient.Uri, "patient");

        _ = await patient.Guest.CommandAsync("unload", cancellationToken: Token);
        Assert.Contains("Load virtio_balloon", (await patient.FindAsync("driver not loaded")).Remedy, StringComparison.Ordinal);
        _ = await patient.Guest.CommandAsync("load", cancellationToken: Token);
        await patient.IsWellAsync("its driver was loaded");

        await using (await OracleMonitor.ConnectAsync(patient.Guest.MonitorPath, cancellationToken: Token))
        {
            Finding held = await patient.FindAsync("monitor busy");
            Assert.Contains($"(process {Environment.ProcessId}, running since {StartOf(Environment.ProcessId)} UTC)", held.Text, StringComparison.Ordinal);
            Assert.Equal("error", held.Severity);
            Assert.Contains("Stop the other program", held.Remedy, StringComparison.Ordinal);
        }

        await patient.IsWellAsync("the other program left");

        await patient.BallastAsync("suspend", "patient");
        await patient.BallastAsync("dommemstat", "patient", "--period", "0");
        IReadOnlyList<Finding> two = await DoctorRun.FindsAsync(patient.Uri, "patient", "paused", "polling off");
        await DoctorRun.CarryOutAsync(two[0]);
        await DoctorRun.CarryOutAsync(two[1]);
        await patient.IsWellAsync("both were cured");
    }

    // The sizes are those that Debian 12's kernel needs.
    [Theory]
    [Trait("oracle", "libvirt 9.0")]
    [InlineData(false, "virtio-balloon-pci")]
    [InlineData(true, "virtio-balloon-pci-non-transitional")]
    public async Task A_guest_with_too_little_or_much_more_than_it_needs_is_named_and_nothing_between(bool deflates, string balloon)
    {
        await using Patient patient = await Patient.StartAsync("patient", deflates, balloon);
        await patient.BallastAsync("dommemstat", "patient", "--period", "1");
        await patient.IsWellAsync("it booted");
        _ = await patient.Guest.CommandAsync("swap", cancellationToken: Token);
        await patient.IsWellAsync("it has swap");
        _ = await patient.Guest.CommandAsync("alloc 80", cancellationToken: Token);
        await patient.IsWellAsync("it uses some");
        await patient.MoveAsync(256);
        await patient.IsWellAsync("it was ballooned moderately");

        // So little that it has to swap: a driver with deflate-on-oom gives memory back instead, so it is asked for less.
        await patient.BallastAsync("setmem", "patient", deflates ? "152M" : "120M", "--force");
        Finding shortage = await patient.FindAsync("ballooned too far");
        Assert.Equal("warning", shortage.Severity);
        JsonElement line = await patient.LookAsync();
        Assert.True(line.GetProperty("used_share").GetDouble() > 0.7, $"{line}");
        await DoctorRun.CarryOutAsync(shortage);
        await patient.ReachesAsync(TargetOf(shortage));
        await DoctorRun.FindsAsync(patient.Uri, "patient");

        _ = await patient.Guest.CommandAsync("free", cancellationToken: Token);
        await patient.MoveAsync(WholeMib);
        await patient.IsWellAsync("it got all back");
        _ = await patient.Guest.CommandAsync("alloc 300", cancellationToken: Token);
        await patient.IsWellAsync("it uses much");
        _ = await patient.Guest.CommandAsync("free", cancellationToken: Token);
        Finding slack = await patient.FindAsync("holds more than it uses");
        Assert.Equal("note", slack.Severity);
        Assert.True((await patient.LookAsync()).GetProperty("reclaimable_kib").GetUInt64() >= 256 * 1024);
        await DoctorRun.CarryOutAsync(slack);
        await patient.ReachesAsync(TargetOf(slack));
        await DoctorRun.FindsAsync(patient.Uri, "patient");
        _ = await patient.Guest.CommandAsync("cache 60", cancellationToken: Token);
        await patient.IsWellAsync("it caches a disk");
    }

    [Fact]
    public async Task Locked_memory_is_named_and_the_option_that_the_remedy_names_helps()
    {
        string[] balloon = ["-device", "virtio-balloon-pci,id=balloon0"];
        await using (QemuProcess locked = await QemuProcess.StartPcAsync(["-name", "locked", "-overcommit", "mem-lock=on", .. balloon], cancellationToken: Token))
        {
            string uri = $"qmp://{locked.MonitorPaths[0]}";
            await locked.StopAsync(Token);
            IReadOnlyList<Finding> found = await DoctorRun.FindsAsync(uri, "locked", "monitor hung", "memory cannot be ballooned");
            await DoctorRun.CarryOutAsync(found[0]);
            Finding memory = (await DoctorRun.FindsAsync(uri, "locked", "paused", "polling off", "memory cannot be ballooned"))[2];
            const string begin = "-overcommit ";
            balloon = [.. balloon, .. memory.Remedy[memory.Remedy.IndexOf(begin, StringComparison.Ordinal)..].Split(' ')];
        }

        await using QemuProcess free = await QemuProcess.StartPcAsync(["-name", "locked", .. balloon], cancellationToken: Token);
        IReadOnlyList<Finding> left = await DoctorRun.FindsAsync($"qmp://{free.MonitorPaths[0]}", "locked", "paused", "polling off");
        await DoctorRun.CarryOutAsync(left[0]);
        await DoctorRun.CarryOutAsync(left[1]);

        // Its firmware looks for something to boot.
        Finding boots = Assert.Single(await DoctorRun.FindsAsync($"qmp://{free.MonitorPaths[0]}", "locked", "driver not loaded"));
        Assert.Equal("note", boots.Severity);
    }

    [Fact]
    public async Task A_monitor_that_a_daemon_holds_is_asked_through_the_daemon()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "served", MemoryMib = 64 }, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath);
        await DoctorRun.CarryOutAsync((await DoctorRun.FindsAsync(daemon.Uri, "served", "polling off"))[0]);
        await guest.AnswerPollsAsync(HealthyGuestTests.Report(64, usedMib: 20), Token);

        Finding held = Assert.Single(await DoctorRun.AskAsync($"qmp://{guest.MonitorPath}"));
        Assert.Equal("monitor busy", held.Check);
        Assert.Contains($"(process {daemon.Pid}, running since {StartOf(daemon.Pid)} UTC)", held.Text, StringComparison.Ordinal);
        const string begin = "-c '";
        string uri = held.Text[(held.Text.IndexOf(begin, StringComparison.Ordinal) + begin.Length)..].Split('\'')[0];
        Assert.Equal(daemon.Uri, uri);
        await DoctorRun.FindsAsync(uri, "served");
    }

    private static int TargetOf(Finding finding) =>
        int.Parse(finding.Command!.Split(' ')[^1].Replace("MiB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);

    /// <summary>When a process started, as ps tells.</summary>
    private static string StartOf(int pid)
    {
        string[] fields = File.ReadAllText($"/proc/{pid}/stat").Split(") ")[^1].Split(' ');
        long boot = long.Parse(File.ReadLines("/proc/stat").Single(line => line.StartsWith("btime", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);
        DateTimeOffset start = DateTimeOffset.FromUnixTimeSeconds(boot + (long.Parse(fields[19], CultureInfo.InvariantCulture) / 100));
        return start.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
    }

    /// <summary>A real Linux with a disk to swap to, and the commands of the test on it.</summary>
    private sealed class Patient : IAsyncDisposable
    {
        private readonly string _name;
        private readonly PrivateDirectory _directory;

        private Patient(LinuxGuest guest, string name, PrivateDirectory directory) => (Guest, _name, _directory) = (guest, name, directory);

        public LinuxGuest Guest { get; }

        public string Uri => $"qmp://{Guest.MonitorPath}";

        public static async Task<Patient> StartAsync(string name, bool deflates, string balloon)
        {
            PrivateDirectory directory = new();
            string disk = directory.File("swap");
            await using (FileStream file = File.Create(disk))
                file.SetLength(256L << 20);
            try
            {
                return new Patient(await LinuxGuest.StartAsync(
                    new LinuxGuestOptions
                    {
                        Name = name,
                        MemoryMib = WholeMib,
                        Slots = deflates ? 2 : 0,
                        Balloon = $"{balloon},id=balloon0,deflate-on-oom={(deflates ? "on" : "off")}",
                        ExtraArguments = ["-blockdev", $"file,node-name=swap,filename={disk}", "-device", "virtio-blk-pci,drive=swap"],
                    }, Token), name, directory);
            }
            catch
            {
                directory.Dispose();
                throw;
            }
        }

        /// <summary>Waits until this alone is found, and <c>memory</c> says the same.</summary>
        public async Task<Finding> FindAsync(string check)
        {
            Finding finding = Assert.Single(await DoctorRun.FindsAsync(Uri, _name, check));
            bool isCurrent = check is "ballooned too far" or "holds more than it uses";

            // While a balloon moves, its guest's report is of another size at every other look.
            await Deadline.UntilAsync(Deadline.Default, $"memory that says {check}, too", async _ =>
            {
                JsonElement line = await LookAsync();
                return (isCurrent ? "fresh" : check, isCurrent) == (line.GetProperty("reason").GetString(), line.GetProperty("is_summed").GetBoolean());
            }, Token);
            return finding;
        }

        /// <summary>The same; then the remedy's command is run.</summary>
        public async Task<Finding> CureAsync(string check)
        {
            Finding finding = await FindAsync(check);
            await DoctorRun.CarryOutAsync(finding);
            return finding;
        }

        public async Task IsWellAsync(string after)
        {
            // A report from before what the guest did last would say what it needed then.
            _ = await BallastAsync("dommemstat", _name, "--refresh");
            await DoctorRun.IsWellAsync(Uri, _name, after);
        }

        public async Task<JsonElement> LookAsync() =>
            JsonDocument.Parse(await BallastAsync("memory", "--json")).RootElement.GetProperty("domains")[0];

        public async Task<string> BallastAsync(params string[] arguments)
        {
            CommandResult result = await BallastProgram.RunAsync(Token, ["-q", "-c", Uri, .. arguments]);
            Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result}");
            return result.Output;
        }

        public async Task MoveAsync(int mib)
        {
            _ = await BallastAsync("setmem", _name, $"{mib}M");
            await ReachesAsync(mib);
        }

        /// <summary>Waits until the balloon is there, and the guest has reported that.</summary>
        public async Task ReachesAsync(int mib)
        {
            OracleMonitor oracle = await Guest.OracleAsync(Token);
            await Deadline.UntilAsync(TimeSpan.FromSeconds(60), string.Create(CultureInfo.InvariantCulture, $"a balloon that leaves {mib} MiB"),
                async token => await oracle.BalloonActualAsync(token) == (long)mib << 20, Token);
            long then = (await oracle.GuestStatsAsync(LinuxGuest.BalloonPath, Token)).LastUpdate;
            await Deadline.UntilAsync(Deadline.Default, "a later report",
                async token => (await oracle.GuestStatsAsync(LinuxGuest.BalloonPath, token)).LastUpdate > then + 1, Token);
        }

        public async ValueTask DisposeAsync()
        {
            await Guest.DisposeAsync();
            _directory.Dispose();
        }
    }
}
