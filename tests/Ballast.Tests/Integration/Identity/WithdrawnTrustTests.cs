using Ballast.Drivers.Qemu.Discovery;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>Whom to trust may change while monitors are connected: nothing more is asked of them then, nor changed.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class WithdrawnTrustTests : IdentityTest
{
    private const uint Nobody = 65534;

    public static TheoryData<string> Withdrawals => new("user", "directory", "link");

    [Theory]
    [MemberData(nameof(Withdrawals))]
    public async Task What_is_trusted_no_more_is_used_no_more(string what)
    {
        string directory = MakeDirectory("x"), link = Root.File("link");
        File.CreateSymbolicLink(link, directory);
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "guest",
            Uuid = Guid.NewGuid(),
            Arguments = [.. Monitor($"{(what == "link" ? link : directory)}/q.sock"), .. what == "user" ? RunWith("user", "nobody") : []],
        });
        ConnectionOptions trusting = new() { TrustedUserIds = [Nobody] };
        ConnectionOptions wary = what == "user" ? new() : trusting with { ManagedDirectories = new Dictionary<string, string> { [directory] = "a manager" } };
        await using Connection connection = await Connection.OpenAsync(Host, trusting, Token);
        await using DomainEventSubscription events = await connection.SubscribeAsync(cancellationToken: Token);
        Domain domain = await DomainOfAsync(connection, qemu);
        await IsReachedAsync(domain, qemu);
        ulong target = await qemu.TargetKibAsync(Token);

        connection.Retrust(wary);

        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.SetMemoryAsync(40960, cancellationToken: Token));
        Assert.Contains(what == "user" ? "does not trust" : "belongs to a manager", error.Message, StringComparison.Ordinal);
        Assert.Equal(target, await qemu.TargetKibAsync(Token));
        _ = await Assert.ThrowsAsync<LibvirtException>(async () => await domain.DestroyAsync(cancellationToken: Token));
        MemoryStats sample = await SampleAsync(domain);
        Assert.Equal(what == "user" ? MemoryStatsReason.NotTrusted : MemoryStatsReason.MonitorBusy, sample.Reason);
        Assert.Equal(("guest", qemu.Pid), ((await DomainOfAsync(connection, qemu)).Name, domain.Id));
        Assert.True(qemu.IsAlive);

        connection.Retrust(trusting);

        await domain.SetMemoryAsync(40960, cancellationToken: Token);
        Assert.Equal(40960UL, await qemu.TargetKibAsync(Token));
    }

    [Fact]
    public async Task It_is_let_go()
    {
        PlainQemu qemu = await StartAsync(new PlainQemuOptions
        {
            Name = "guest",
            Uuid = Guid.NewGuid(),
            Arguments = [.. Monitor(Root.File("q.sock")), .. RunWith("user", "nobody")],
        });
        await using Connection connection = await OpenAsync(trusted: Nobody);
        Domain domain = await DomainOfAsync(connection, qemu);
        await IsReachedAsync(domain, qemu);
        connection.Retrust(new ConnectionOptions());
        await Deadline.UntilAsync(TimeSpan.FromSeconds(60), "end of its use", async token =>
        {
            Assert.Equal(MemoryStatsReason.NotTrusted, (await SampleAsync(domain)).Reason);
            return !UnixSocketTable.IsHeld(Root.File("q.sock"));
        }, Token);
    }
}
