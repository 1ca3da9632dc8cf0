using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Integration.Identity;
using Ballast.Tests.Integration.Worlds;

namespace Ballast.Tests.Integration;

/// <summary>What real QEMUs tell, and their comings and goings.</summary>
[Trait("needs", "qemu")]
public sealed class EventTests
{
    private static readonly string[] Machine =
        ["-accel", "tcg,tb-size=1", "-M", "q35", "-m", "64", "-nodefaults", "-no-user-config", "-display", "none", "-device", "virtio-balloon-pci,id=balloon0"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_QEMU_that_is_paused_resumed_reset_and_ended_says_so()
    {
        await using Opened guest = await Opened.StartAsync(new DrivenGuestOptions { Name = "guest" });
        await using DomainEventSubscription events = await guest.Connection.SubscribeAsync(cancellationToken: Token);

        await guest.Domain.SuspendAsync(Token);
        Assert.Equal(DomainState.Paused, (await guest.Domain.GetStateAsync(Token)).State);
        await guest.Domain.SuspendAsync(Token);
        await guest.Domain.ResumeAsync(Token);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await guest.Domain.ResumeAsync(Token));
        Assert.Equal((ErrorCode.OperationInvalid, "Requested operation is not valid: domain is already running"), (error.Code, error.Message));
        Assert.Equal(new DomainStateInfo(DomainState.Running, 5), await guest.Domain.GetStateAsync(Token));
        await guest.Domain.ResetAsync(Token);
        await guest.Domain.DestroyAsync(cancellationToken: Token);

        Assert.Equal(
            ["Suspended Paused", "Resumed Unpaused", "reboot", "Shutdown Finished after host request", "Stopped Shutdown"],
            await TakeAsync(events, 5));
        await Assert.ThrowsAsync<LibvirtException>(async () => await guest.Domain.GetStateAsync(Token));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_QEMU_said_at_last_is_told_though_its_end_is_seen_first(bool isFound)
    {
        using PrivateDirectory directory = new();
        using WorldPrograms programs = await WorldPrograms.BuildAsync(Token);
        await using ChildProcess qemu = await FakeQemu.StartAsync(
            WorldPrograms.FakeQemu(programs.Directory), directory.File("log"),
            ["-m", "64", "-name", "late", "-uuid", $"{Guid.NewGuid()}", "-qmp", $"unix:{directory.File("q.sock")},server=on,wait=off"],
            new Dictionary<string, string> { ["FAKE_LAST_WORDS"] = "200" }, Token);
        await using Connection connection = await Connection.OpenAsync(
            isFound ? $"qmp://{directory.Path}" : $"qmp://{directory.File("q.sock")}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
        await using DomainEventSubscription events = await connection.SubscribeAsync(cancellationToken: Token);
        await (await connection.LookupByNameAsync("late", Token)).DestroyAsync(cancellationToken: Token);

        // Each list looks at the processes.
        await Deadline.UntilAsync(Deadline.Default, "its end", async token => (await connection.ListDomainsAsync(cancellationToken: token)).Count == 0, Token);
        Assert.Equal(["Shutdown Finished after host request", "Stopped Shutdown"], await TakeAsync(events, 2));
    }

    [Fact]
    public async Task A_balloon_that_the_guest_moves_is_told_in_QEMUs_numbers()
    {
        await using Opened guest = await Opened.StartAsync();
        await using DomainEventSubscription events = await guest.Connection.SubscribeAsync(
            new DomainEventFilter { Kinds = DomainEventKinds.BalloonChange, Domain = guest.Domain }, Token);
        const uint pages = 5 * 256;
        await guest.Driven.WriteActualPagesAsync(pages, Token);

        OracleMonitor oracle = await guest.Driven.OracleAsync(Token);
        Assert.Equal([$"{await oracle.BalloonActualAsync(Token) / 1024} KiB"], await TakeAsync(events, 1));
    }

    [Fact]
    public async Task QEMUs_come_and_go_in_a_directory_and_a_lease_on_collection_follows_into_the_new_process()
    {
        using PrivateDirectory directory = new();
        Guid uuid = Guid.NewGuid();
        await using Connection connection = await Connection.OpenAsync(
            $"qmp://{directory.Path}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
        await using DomainEventSubscription events = await connection.SubscribeAsync(cancellationToken: Token);

        ChildProcess first = await StartAsync(directory, uuid);
        await using (first)
        {
            Assert.Equal(["Started Booted"], await TakeAsync(events, 1));
            Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
            Assert.Equal((first.Pid, uuid), (domain.Id, domain.Uuid));
            await using MemoryStatsPeriodLease lease = await domain.EnsurePeriodAsync(7, Token);
            Assert.Equal(7, await domain.GetPeriodAsync(Token));

            first.Kill();
            Assert.Equal(["Stopped Failed"], await TakeAsync(events, 1));
            File.Delete(directory.File("m.sock"));
            await using ChildProcess second = await StartAsync(directory, uuid);
            Assert.Equal(["Started Booted"], await TakeAsync(events, 1));
            await Deadline.UntilAsync(Deadline.Default, "the period in the new process", async token =>
                await (await connection.LookupByUuidAsync(uuid, token)).GetPeriodAsync(token) == 7, Token);
            Assert.Equal(second.Pid, (await connection.LookupByUuidAsync(uuid, Token)).Id);

            // The handle of the one before leads to nobody, though the other bears its UUID.
            LibvirtException gone = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.GetPeriodAsync(Token));
            Assert.Equal(ErrorCode.NoDomain, gone.Code);
        }
    }

    [Fact]
    public async Task A_stopped_QEMU_is_ended_by_its_process()
    {
        await using Opened guest = await Opened.StartAsync(timeout: TimeSpan.FromMilliseconds(500));
        await guest.Driven.Process.StopAsync(Token);
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(
            async () => await guest.Domain.DestroyAsync(DomainDestroyFlags.Graceful, Token));
        Assert.Equal((ErrorCode.OperationFailed, ErrorOrigin.Qemu), (error.Code, error.Origin));

        await guest.Domain.DestroyAsync(cancellationToken: Token);
        Assert.Empty(await guest.Connection.ListDomainsAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task The_XML_says_what_QEMU_says()
    {
        using PrivateDirectory directory = new();
        await File.WriteAllBytesAsync(directory.File("disk&1.img"), new byte[1024 * 1024], Token);
        await using ChildProcess qemu = await StartAsync(directory, Guid.NewGuid(),
            "-smp", "3", "-drive", $"file={directory.File("disk&1.img")},format=raw,if=none,id=drive0", "-device", "virtio-blk-pci,drive=drive0,id=disk0",
            "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,id=net0,mac=52:54:00:12:34:56");
        await using Connection connection = await OpenAsync(directory);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));
        await domain.SetPeriodAsync(9, cancellationToken: Token);

        System.Xml.Linq.XElement xml = System.Xml.Linq.XElement.Parse(await domain.GetXmlAsync(cancellationToken: Token));
        Assert.Equal(("domain", "qemu", $"{qemu.Pid}"), (xml.Name.LocalName, (string?)xml.Attribute("type"), (string?)xml.Attribute("id")));
        Assert.Equal(("comes", $"{domain.Uuid}", "65536", "65536", "3"),
            ((string?)xml.Element("name"), (string?)xml.Element("uuid"), (string?)xml.Element("memory"), (string?)xml.Element("currentMemory"), (string?)xml.Element("vcpu")));
        System.Xml.Linq.XElement type = xml.Element("os")!.Element("type")!, devices = xml.Element("devices")!;
        Assert.Equal(("hvm", "x86_64"), (type.Value, (string?)type.Attribute("arch")));
        Assert.StartsWith("pc-q35-", (string?)type.Attribute("machine"), StringComparison.Ordinal);
        Assert.Equal(directory.File("disk&1.img"), (string?)devices.Element("disk")!.Element("source")!.Attribute("file"));
        Assert.Equal("52:54:00:12:34:56", (string?)devices.Element("interface")!.Element("mac")!.Attribute("address"));
        Assert.Equal("9", (string?)devices.Element("memballoon")!.Element("stats")!.Attribute("period"));

        System.Xml.Linq.XElement inactive = System.Xml.Linq.XElement.Parse(await domain.GetXmlAsync(DomainXmlFlags.Inactive, Token));
        Assert.Null(inactive.Attribute("id"));
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.GetXmlAsync((DomainXmlFlags)16, Token));
        Assert.Equal("unsupported flags (0x10) in function qemuDomainGetXMLDesc", error.Message);
    }

    private static async Task<Connection> OpenAsync(PrivateDirectory directory)
    {
        Connection? connection = null;
        await Deadline.UntilAsync(Deadline.Default, "the monitor", async token =>
        {
            if (!UnixSocket.IsListening(directory.File("m.sock")))
                return false;
            connection = await Connection.OpenAsync($"qmp://{directory.File("m.sock")}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, token);
            return true;
        }, Token);
        return connection!;
    }

    private static Task<ChildProcess> StartAsync(PrivateDirectory directory, Guid uuid, params string[] more) =>
        ChildProcess.StartAsync("qemu-system-x86_64",
            [.. Machine, "-name", "comes", "-uuid", $"{uuid}", "-qmp", $"unix:{directory.File("m.sock")},server=on,wait=off", .. more]);

    private static Task<List<string>> TakeAsync(DomainEventSubscription events, int count) => HeardEvents.TakeAsync(events, count, Token);
}
