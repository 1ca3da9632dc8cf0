using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Real libvirt and our driver beside each other, each with its own tool.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
public sealed class LibvirtComparisonTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_guest_of_libvirt_has_the_same_numbers_through_virsh_and_through_a_second_monitor()
    {
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync(Token);
        using PrivateDirectory directory = new();
        string monitor = directory.File("second.sock");
        string name = await daemon.CreateDomainAsync(
            DomainXml.ForLinuxGuest("linux", await LinuxGuestImage.GetAsync(Token), periodSeconds: 2, monitorPath: monitor), Token);

        await Deadline.UntilAsync(TimeSpan.FromSeconds(120), "equal samples of one report", async token =>
        {
            CommandResult before = await daemon.VirshAsync(["dommemstat", name], token);
            CommandResult ours = await BallastProgram.RunAsync(token, "-c", $"qmp://{monitor}?timeout=20s", "dommemstat", name);
            CommandResult after = await daemon.VirshAsync(["dommemstat", name], token);
            Assert.Equal((0, ""), (ours.ExitCode, ours.Errors));

            // The process's own resident memory may move between two looks; all else is one report of the guest.
            bool isOneReport = WithoutRss(before) == WithoutRss(after) && BallastProgram.ParseStats(after.Output).Count == 13;
            if (isOneReport)
                Assert.Equal(WithoutRss(after), WithoutRss(ours));
            return isOneReport;
        }, Token, TimeSpan.FromMilliseconds(300));

        foreach (string[] command in (string[][])[["domuuid", name], ["domstate", name, "--reason"], ["domstats", "--state"]])
        {
            CommandResult theirs = await daemon.VirshAsync(command, Token);
            CommandResult ours = await BallastProgram.RunAsync(Token, ["-c", $"qmp://{monitor}?timeout=20s", .. command]);
            Assert.Equal((theirs.ExitCode, theirs.Output, theirs.Errors), (ours.ExitCode, ours.Output, ours.Errors));
        }
    }

    [Fact]
    public async Task The_same_image_under_libvirt_and_under_a_qemu_of_its_own_has_the_same_statistics()
    {
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync(Token);
        string name = await daemon.CreateDomainAsync(
            DomainXml.ForLinuxGuest("linux", await LinuxGuestImage.GetAsync(Token), periodSeconds: 1), Token);
        await using LinuxGuest guest = await LinuxGuest.StartAsync(new LinuxGuestOptions { Name = "linux" }, Token);
        string uri = $"qmp://{guest.MonitorPath}?timeout=20s";
        _ = await BallastProgram.RunAsync(Token, "-c", uri, "dommemstat", "linux", "--period", "1");

        List<KeyValuePair<string, ulong>> theirs = [], ours = [];
        await Deadline.UntilAsync(TimeSpan.FromSeconds(120), "thirteen statistics of both", async token =>
        {
            theirs = BallastProgram.ParseStats((await daemon.VirshAsync(["dommemstat", name], token)).Output);
            ours = BallastProgram.ParseStats((await BallastProgram.RunAsync(token, "-c", uri, "dommemstat", "linux")).Output);
            return theirs.Count == 13 && ours.Count == 13 && Both("last_update").Ours > 0;
        }, Token, TimeSpan.FromMilliseconds(500));

        (ulong Theirs, ulong Ours) Both(string label) =>
            (theirs.Single(entry => entry.Key == label).Value, ours.Single(entry => entry.Key == label).Value);

        Assert.Equal(theirs.Select(entry => entry.Key), ours.Select(entry => entry.Key));
        foreach (string label in (string[])["actual", "swap_in", "swap_out", "hugetlb_pgalloc", "hugetlb_pgfail"])
            Assert.Equal(Both(label).Theirs, Both(label).Ours);

        // Two machines with different devices: their kernels keep some megabytes more or less.
        const ulong toleranceKiB = 24 * 1024;
        foreach (string label in (string[])["unused", "available", "usable", "disk_caches"])
            Assert.InRange(Both(label).Ours, Both(label).Theirs - Math.Min(toleranceKiB, Both(label).Theirs), Both(label).Theirs + toleranceKiB);
        Assert.InRange(Math.Abs((long)Both("last_update").Theirs - (long)Both("last_update").Ours), 0, 10);
    }

    private static string WithoutRss(CommandResult result) =>
        string.Join('\n', result.Output.Split('\n').Where(line => !line.StartsWith("rss ", StringComparison.Ordinal)));
}
