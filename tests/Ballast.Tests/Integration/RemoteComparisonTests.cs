using System.Text.RegularExpressions;
using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests.Integration;

/// <summary>Our client beside virsh on real libvirtd, and on ballastd: over unix sockets, TCP, TLS and ssh.</summary>
[Collection(SshTests.Shared)]
[Trait("needs", "qemu")]
[Trait("needs", "ssh")]
[Trait("needs", "libvirtd")]
[Trait("needs", "virsh")]
public sealed class RemoteComparisonTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Our_program_prints_what_virsh_prints_of_libvirtd_and_of_ballastd()
    {
        using PrivateDirectory directory = new();
        string monitor = directory.File("second.sock");
        using HeldPort held = new(), heldForTls = new(), heldForOurs = new(), heldForOurTls = new();
        int port = held.Port, tlsPort = heldForTls.Port;
        using TestPki pki = TestPki.Create();
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(port, Token, (tlsPort, pki.Path));
        await using SshServer ssh = await SshServer.StartAsync(Token);
        ssh.Link("sh", "grep", "id", "nc");
        ssh.Install("ballast", BallastProgram.Path);
        string name = await libvirtd.CreateDomainAsync(
            DomainXml.ForLinuxGuest("linux", await LinuxGuestImage.GetAsync(Token), periodSeconds: 1, monitorPath: monitor), Token);
        await using BallastDaemon ballastd = await BallastDaemon.StartAsync(
            Token, "--qmp", monitor, "--tcp", $"127.0.0.1:{heldForOurs.Port}", "--tcp-write", "--tls", $"127.0.0.1:{heldForOurTls.Port}", "--pki", pki.Path);
        await Deadline.UntilAsync(TimeSpan.FromSeconds(120), "a report of the guest", async token =>
            BallastProgram.ParseStats((await libvirtd.VirshAsync(["dommemstat", name], token)).Output).Count == 13, Token);
        Assert.Equal("", (await libvirtd.VirshAsync(["dommemstat", name, "--period", "0"], Token)).Errors);

        string tcp = $"qemu+tcp://127.0.0.1:{port}/system", libvirtdBySsh = ssh.Uri(libvirtd.SocketPath), ballastdBySsh = ssh.Uri(ballastd.SocketPath);
        string tls = $"qemu+tls://localhost:{tlsPort}/system?pkipath={pki.Path}";
        string ours = $"qemu+tcp://127.0.0.1:{heldForOurs.Port}/system", oursByTls = $"qemu+tls://localhost:{heldForOurTls.Port}/system?pkipath={pki.Path}";
        foreach (string uri in (string[])[libvirtd.Uri, ballastd.Uri, tcp, ours, tls, oursByTls, libvirtdBySsh, ballastdBySsh])
        {
            foreach (string line in (string[])
                [
                    "list --all", $"dommemstat {name}", "domstats --balloon --state", $"domstats {name} --balloon", $"domstate {name} --reason",
                    $"domuuid {name}", "uri", $"setmem {name} 0", $"setmem {name} 1G", $"dommemstat {name} --period 3 --config", "dommemstat nobody", $"dominfo {name}",
                    $"-r setmem {name} 128M", $"dommemstat {name} --period 4", $"dommemstat {name} --period 0",
                ])
            {
                string[] words = ["-c", uri, .. line.Split(' ')];
                CommandResult theirs = await ChildProcess.RunAsync("virsh", words, new Dictionary<string, string> { ["LC_ALL"] = "C" }, cancellationToken: Token);
                CommandResult own = await BallastProgram.RunAsync(Token, words);
                Assert.Equal((line, theirs.ExitCode, Still(theirs.Output), Still(theirs.Errors)), (line, own.ExitCode, Still(own.Output), Still(own.Errors)));
            }
        }

        foreach (string uri in (string[])[libvirtd.Uri, tcp, tls, libvirtdBySsh])
            await EverythingOfTheApiAsync(uri, name, isOurs: false);
        foreach (string uri in (string[])[ballastd.Uri, ours, oursByTls, ballastdBySsh])
            await EverythingOfTheApiAsync(uri, name, isOurs: true);
    }

    private static async Task EverythingOfTheApiAsync(string uri, string name, bool isOurs)
    {
        await using Connection connection = await Connection.OpenAsync(uri, new ConnectionOptions { DaemonTimeout = TimeSpan.FromSeconds(20) }, Token);
        Domain domain = await connection.LookupByNameAsync(name, Token);
        await using DomainEventSubscription events = await connection.SubscribeAsync(cancellationToken: Token);
        await domain.SuspendAsync(Token);
        Assert.Equal(DomainState.Paused, (await domain.GetStateAsync(Token)).State);
        Assert.Equal(MemoryStatsReason.Paused, (await domain.GetMemoryStatsAsync(cancellationToken: Token)).Reason);
        await domain.ResumeAsync(Token);
        await using IAsyncEnumerator<DomainEvent> reader = events.GetAsyncEnumerator(Token);
        foreach (DomainLifecycleChange change in (DomainLifecycleChange[])[DomainLifecycleChange.Suspended, DomainLifecycleChange.Resumed])
        {
            Assert.True(await reader.MoveNextAsync().AsTask().WaitAsync(Deadline.Default, Token));
            Assert.Equal((change, name), (Assert.IsType<DomainLifecycleEvent>(reader.Current).Change, ((DomainLifecycleEvent)reader.Current).Domain.Name));
        }

        await domain.SetPeriodAsync(1, cancellationToken: Token);
        Assert.Equal(1, await domain.GetPeriodAsync(Token));
        await Deadline.UntilAsync(Deadline.Default, "a fresh sample", async token =>
            (await domain.GetMemoryStatsAsync(cancellationToken: token)).Reason == MemoryStatsReason.Fresh, Token);
        MemoryStats sample = await domain.GetMemoryStatsAsync(cancellationToken: Token);
        Assert.Equal((13, TimeSpan.FromSeconds(1)), (sample.Entries.Count, sample.Period));
        Assert.True(sample.Used?.KiB > 0);
        Assert.Equal(256u * 1024, (await domain.GetInfoAsync(Token)).MaxMemoryKiB);
        Assert.Equal("hvm", await domain.GetOSTypeAsync(Token));
        Assert.Contains($"<name>{name}</name>", await domain.GetXmlAsync(cancellationToken: Token), StringComparison.Ordinal);
        VirtualCpu cpu = Assert.Single(await domain.GetVirtualCpusAsync(Token));
        Assert.Equal((0, VirtualCpuState.Running), (cpu.Number, cpu.State));
        Assert.True(cpu.CpuTime > TimeSpan.Zero);
        Assert.InRange(cpu.HostCpu!.Value, 0, cpu.Affinity.Length - 1);
        Assert.NotEmpty(cpu.Affinity);
        Assert.Equal(cpu.Affinity, Assert.Single(await domain.GetVirtualCpuAffinitiesAsync(cancellationToken: Token)));
        // A newer libvirtd adds up CPU times without control groups; what it says is compared where 9.0 is.
        if (Installed.Libvirt < Cli.NewerVirsh.Since)
            await FactsAsync(connection, domain, isOurs);
        await foreach (DomainMemorySample watched in connection.WatchMemoryStatsAsync(TimeSpan.FromSeconds(1), cancellationToken: Token))
        {
            // Sent by ballastd, asked for in rounds from libvirtd.
            Assert.Equal((name, 13, MemoryStatsReason.Fresh), (watched.Domain.Name, watched.Stats.Entries.Count, watched.Stats.Reason));
            break;
        }

        Assert.True((await connection.GetNodeInfoAsync(Token)).Cpus > 0);
        Assert.Equal(["total", "free", "buffers", "cached"], (await connection.GetNodeMemoryStatsAsync(cancellationToken: Token)).Select(stat => stat.Name));
        Assert.Equal(["kernel", "user", "idle", "iowait"], (await connection.GetNodeCpuStatsAsync(cancellationToken: Token)).Select(stat => stat.Name).Take(4));
        Assert.NotEmpty(await connection.GetHostNameAsync(Token));
        Assert.StartsWith("<capabilities>", await connection.GetCapabilitiesAsync(Token), StringComparison.Ordinal);
        if (isOurs)
            Assert.Equal(Freshness.Fresh, (await domain.RefreshMemoryStatsAsync(cancellationToken: Token)).Freshness);
        else
            Assert.Equal(ErrorCode.NoSupport, (await Assert.ThrowsAsync<LibvirtException>(async () => await domain.RefreshMemoryStatsAsync(cancellationToken: Token))).Code);
        await domain.SetPeriodAsync(0, cancellationToken: Token);
    }

    private static async Task FactsAsync(Connection connection, Domain domain, bool isOurs)
    {
        Assert.Equal(1, await domain.GetMaxVirtualCpusAsync(Token));
        Assert.Equal(1, await domain.GetVirtualCpuCountAsync(VirtualCpuCountFlags.Live | VirtualCpuCountFlags.Maximum, Token));
        Assert.Equal(default, await domain.GetJobInfoAsync(Token));
        Assert.Equal((DomainJobType.None, 0), await domain.GetJobStatsAsync(cancellationToken: Token) is var job ? (job.Type, job.Parameters.Count) : default);
        Assert.Equal(DomainControlState.Ok, (await domain.GetControlInfoAsync(Token)).State);
        await domain.GetMetadataAsync(DomainMetadataType.Title, cancellationToken: Token).AsTask().FailsAsync(ErrorCode.NoDomainMetadata);
        Assert.Equal(["numa_mode", "numa_nodeset"], (await domain.GetNumaParametersAsync(cancellationToken: Token)).Select(parameter => parameter.Field));
        Assert.Equal(0, await connection.CountStoragePoolsAsync(cancellationToken: Token));
        Assert.Equal(isOurs ? 0 : 2, (await domain.GetMessagesAsync(DomainMessageKinds.Tainting, Token)).Count);
        Assert.Empty(await domain.GetMessagesAsync(DomainMessageKinds.Deprecation, Token));
        Assert.NotEqual(0u, Assert.Single(await connection.GetFreePagesAsync([4], cancellationToken: Token)));
        await connection.GetFreePagesAsync([3], cancellationToken: Token).AsTask().FailsAsync(ErrorCode.OperationFailed);
        Assert.Contains("qemu64", await connection.GetCpuModelNamesAsync("x86_64", Token));
        await domain.GetBlockStatsAsync("nothing", Token).AsTask().FailsAsync(ErrorCode.InvalidArgument);
        if (isOurs)
            Assert.Equal(["cpu_time", "user_time", "system_time"], (await domain.GetCpuTotalsAsync(Token)).Select(parameter => parameter.Field));
        else
            await domain.GetCpuTotalsAsync(Token).AsTask().FailsAsync(ErrorCode.OperationInvalid);
        await domain.GetCpuStatsAsync(cancellationToken: Token).AsTask().FailsAsync(ErrorCode.OperationInvalid);
        await domain.WakeUpAsync(Token).AsTask().FailsAsync(ErrorCode.InternalError);
        await domain.StartDirtyRateAsync(TimeSpan.FromSeconds(61), cancellationToken: Token).AsTask().FailsAsync(ErrorCode.ConfigurationUnsupported);
        await domain.StartDirtyRateAsync(TimeSpan.FromSeconds(1), cancellationToken: Token);
        await Deadline.UntilAsync(Deadline.Default, "a measured dirty rate", async token =>
        {
            IReadOnlyList<TypedParameter> rate = Assert.Single(await connection.GetDomainStatsAsync([domain], DomainStatsGroups.DirtyRate, cancellationToken: token)).Parameters;
            return rate.Contains(TypedParameter.Int("dirtyrate.calc_status", 2)) && rate.Any(field => field is { Field: "dirtyrate.megabytes_per_second", Type: TypedParameterType.LLong });
        }, Token);
    }

    // The process's own memory and time move between two looks.
    // A newer virsh has a line that 9.0 does not have.
    private static string Still(string text) =>
        Regex.Replace(
            Regex.Replace(BallastProgram.WithoutHints(text), "(rss[= ]|CPU time: +)[0-9.]+", "$1N", RegexOptions.None, TimeSpan.FromSeconds(10)),
            "Autostart Once: .*\n", "", RegexOptions.None, TimeSpan.FromSeconds(10));
}
