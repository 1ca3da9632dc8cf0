using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>A real guest behind a real libvirtd is reset: what it reported before is not taken for what it reports after.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
[Trait("needs", "virsh")]
public sealed class LibvirtResetTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reset_marks_the_report_from_before_it_until_the_guest_reports_again()
    {
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(Token);
        string name = await libvirtd.CreateDomainAsync(
            DomainXml.ForLinuxGuest("linux", await LinuxGuestImage.GetAsync(Token), periodSeconds: 1), Token);
        await using Connection connection = await Connection.OpenAsync(libvirtd.Uri, cancellationToken: Token);
        Domain domain = await connection.LookupByNameAsync(name, Token);
        MemoryStats before = await UntilAsync(domain, MemoryStatsReason.Fresh);

        Assert.Equal("", (await libvirtd.VirshAsync(["reset", name], Token)).Errors);
        MemoryStats old = await UntilAsync(domain, MemoryStatsReason.NeverReported);

        // QEMU keeps the old report over a reset, and since version 10 it does not.
        Assert.Equal(Installed.Qemu.Major < 10 ? Freshness.Stale : Freshness.NeverReported, old.Freshness);

        MemoryStats after = await UntilAsync(domain, MemoryStatsReason.Fresh);
        Assert.True(after.LastUpdate > before.LastUpdate);
    }

    private static async Task<MemoryStats> UntilAsync(Domain domain, MemoryStatsReason reason)
    {
        MemoryStats? sample = null;
        await Deadline.UntilAsync(TimeSpan.FromSeconds(120), reason.Label(), async token =>
        {
            sample = await domain.GetMemoryStatsAsync(cancellationToken: token);
            Assert.Equal(MemoryStatsInconsistency.None, sample.Inconsistencies);
            return sample.Reason == reason;
        }, Token, TimeSpan.FromMilliseconds(200));
        return sample!;
    }
}
