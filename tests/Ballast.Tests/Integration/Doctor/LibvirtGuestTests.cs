using Ballast.Guests;

namespace Ballast.Tests.Integration.Doctor;

/// <summary>A guest whose only monitor is libvirt's. It looks at all QEMUs of the host, so it runs alone.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
[Collection(ExclusiveCollection.Name)]
public sealed class LibvirtGuestTests
{
    private const string Name = "of-libvirt";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Its_illnesses_are_named_and_the_XML_of_the_remedies_helps()
    {
        LinuxGuestImage image = await LinuxGuestImage.GetAsync(Token);
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync(Token);
        using PrivateDirectory directory = new();
        string xml = DomainXml.ForLinuxGuest(Name, image, periodSeconds: 1);
        _ = await daemon.CreateDomainAsync(xml, Token);
        IReadOnlyList<Finding> found = await DoctorRun.FindsAsync("qmp:///", Name, "monitor busy");
        Assert.Equal("error", found[0].Severity);
        Assert.Contains("belongs to libvirt", found[0].Text, StringComparison.Ordinal);
        Assert.Contains("Ask libvirt", found[0].Remedy, StringComparison.Ordinal);

        // libvirt, when it is asked, finds nothing: the guest reports to it.
        await DoctorRun.FindsAsync(daemon.Uri, Name);

        string monitor = found[0].Remedy[found[0].Remedy.IndexOf('<', StringComparison.Ordinal)..].Replace("PATH", directory.File("m.sock"), StringComparison.Ordinal);
        Assert.Equal(0, (await daemon.VirshAsync(["destroy", Name], Token)).ExitCode);
        _ = await daemon.CreateDomainAsync(xml.Replace("</domain>", $"{monitor}</domain>", StringComparison.Ordinal), Token);
        await DoctorRun.FindsAsync("qmp:///", Name);
        await DoctorRun.FindsAsync(daemon.Uri, Name);

        // Two at once, found and mended through libvirt.
        Assert.Equal(0, (await daemon.VirshAsync(["dommemstat", Name, "--period", "0"], Token)).ExitCode);
        Assert.Equal(0, (await daemon.VirshAsync(["suspend", Name], Token)).ExitCode);
        found = await DoctorRun.FindsAsync(daemon.Uri, Name, "paused", "polling off");
        foreach (Finding finding in found)
            await DoctorRun.CarryOutAsync(finding);
        await DoctorRun.IsWellAsync(daemon.Uri, Name);
    }
}
