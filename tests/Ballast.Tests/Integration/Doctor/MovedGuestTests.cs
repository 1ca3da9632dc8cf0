using Ballast.Guests;

namespace Ballast.Tests.Integration.Doctor;

/// <summary>A real migration: neither end is waited for once it is over.</summary>
[Trait("needs", "qemu")]
public sealed class MovedGuestTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_left_of_a_guest_that_moved_is_not_resumed_and_the_one_that_arrived_is()
    {
        using PrivateDirectory directory = new();
        string way = $"unix:{directory.File("way")}";
        string[] arguments = ["-name", "1", "-device", "virtio-balloon-pci,id=balloon0"];
        await using QemuProcess source = await QemuProcess.StartPcAsync(arguments, cancellationToken: Token);
        await using QemuProcess target = await QemuProcess.StartPcAsync([.. arguments, "-incoming", way], cancellationToken: Token);
        string from = $"qmp://{source.MonitorPaths[0]}";
        Finding waits = Assert.Single(await DoctorRun.FindsAsync($"qmp://{target.MonitorPaths[0]}", "1", "paused"));
        Assert.EndsWith("wait until that is over", waits.Remedy, StringComparison.Ordinal);

        // A daemon follows the one that arrives, and so can tell that it came from elsewhere.
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", target.MonitorPaths[0]);
        waits = Assert.Single(await DoctorRun.FindsAsync(daemon.Uri, "1", "paused"));
        Assert.EndsWith("wait until that is over", waits.Remedy, StringComparison.Ordinal);
        await using (OracleMonitor oracle = await OracleMonitor.ConnectAsync(source.MonitorPaths[0], cancellationToken: Token))
        {
            _ = await oracle.ExecuteAsync("migrate", new { uri = way }, cancellationToken: Token);
            await Deadline.UntilAsync(Deadline.Default, "the end of the migration", async token =>
                (await oracle.ExecuteAsync("query-status", cancellationToken: token)).GetProperty("status").ValueEquals("postmigrate"), Token);
        }

        Finding moved = Assert.Single(await DoctorRun.FindsAsync(from, "1", "paused"));
        Assert.EndsWith("end this one, do not resume it", moved.Remedy, StringComparison.Ordinal);
        Assert.Null(moved.Command);

        IReadOnlyList<Finding> arrived = await DoctorRun.FindsAsync(daemon.Uri, "1", "paused", "polling off");
        Assert.Contains("has arrived from another host", arrived[0].Remedy, StringComparison.Ordinal);
        Assert.Contains(" resume ", arrived[0].Command, StringComparison.Ordinal);
        await DoctorRun.CarryOutAsync(arrived[1]);
        await DoctorRun.CarryOutAsync(arrived[0]);
        await DoctorRun.FindsAsync(daemon.Uri, "1", "driver not loaded");
    }
}
