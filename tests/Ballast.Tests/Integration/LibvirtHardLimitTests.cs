using Ballast.Balance.Advice;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The memory limit of a real libvirtd's domain (virsh memtune), as advice sees it: the kernel would kill a QEMU that outgrows it.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
public sealed class LibvirtHardLimitTests
{
    private const ulong LimitMib = 400, QemuMib = 64, KiB = 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_domains_hard_limit_is_what_its_guest_may_grow_into()
    {
        using MemoryControlGroup? made = MemoryControlGroup.TryCreate(8L << 30, out string obstacle);
        MemoryControlGroup? group = made is { ConfinesNamespaces: true } ? null : made;
        using PrivateDirectory directory = new();
        HaltFirmware.WriteTo(directory.File("firmware"));
        await using LibvirtDaemon libvirtd = group is null ? await LibvirtDaemon.StartAsync(Token) : await LibvirtDaemon.StartInAsync(group, Token);
        _ = await libvirtd.CreatePausedDomainAsync(DomainXml.WithoutGuest("limited", memoryMib: 512, firmware: directory.File("firmware")), Token);
        _ = await libvirtd.CreatePausedDomainAsync(DomainXml.WithoutGuest("unlimited", memoryMib: 512, firmware: directory.File("firmware")), Token);
        await using Connection connection = await Connection.OpenAsync(libvirtd.Uri, cancellationToken: Token);
        Assert.All(await LookAsync(connection), guest => Assert.Null(guest.HardLimitKiB));
        if (group is null)
        {
            // libvirt sets no limit without control groups: what it would tell, a made-up daemon tells in GroupLimitTests.
            TestContext.Current.TestOutputHelper?.WriteLine($"libvirtd has no control group of its own here ({(made is null ? obstacle : "its namespace is confined: nsdelegate")}).");
            return;
        }

        CommandResult set = await libvirtd.VirshAsync("memtune", "limited", "--hard-limit", $"{LimitMib}M");
        Assert.True(set.ExitCode == 0, set.Errors);
        IReadOnlyList<SeenGuest> guests = await LookAsync(connection);
        Assert.Equal([("limited", LimitMib * KiB), ("unlimited", (ulong?)null)], guests.Select(guest => (guest.Domain.Name, guest.HardLimitKiB)).Order());
        Assert.All(guests, guest => Assert.False(guest.IsHardLimitUnknown));

        GuestFacts[] facts = [.. guests.Select(GuestFacts.Of)];
        new GroupRoom().Share(default, facts);
        Assert.Equal(
            [("limited", "400 - 64"), ("unlimited", "")],
            facts.Select((one, i) => (guests[i].Domain.Name, string.Join(' ', one.Limits.Select(limit => $"{limit.Leaves + QemuMib} - {QemuMib}")))).Order());
    }

    private static async Task<IReadOnlyList<SeenGuest>> LookAsync(Connection connection) =>
        (await HostSampler.LookAsync(connection, null, refresh: false, Token)).Guests;
}
