using Ballast.Guests;

namespace Ballast.Tests.Guests;

[Trait("needs", "qemu")]
public sealed class QemuProcessTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_QEMU_that_does_not_start_says_why()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => QemuProcess.StartPcAsync(["-device", "no-such-device"], cancellationToken: Token));
        Assert.Contains("'no-such-device' is not a valid device model name", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("virtio-balloon-pci,id=balloon0", "/machine/peripheral/balloon0")]
    [InlineData("virtio-balloon-pci", "/machine/peripheral-anon/device[0]")]
    public async Task A_plain_PC_has_a_balloon_nobody_drives(string device, string path)
    {
        await using var qemu = await QemuProcess.StartPcAsync(["-device", device], cancellationToken: Token);
        await using var oracle = await OracleMonitor.ConnectAsync(qemu.MonitorPaths[1], cancellationToken: Token);
        var stats = await oracle.GuestStatsAsync(path, Token);
        Assert.Equal(0, stats.LastUpdate);
        Assert.All(stats.Values.Values, value => Assert.Equal(OracleStats.NotReported, value));
        Assert.InRange(qemu.ReadResidentKib(), 1024, 1024 * 1024);
    }

    [Fact]
    public async Task An_error_reply_keeps_its_class()
    {
        await using var qemu = await QemuProcess.StartPcAsync([], monitors: 1, Token);
        await using var oracle = await OracleMonitor.ConnectAsync(qemu.MonitorPaths[0], cancellationToken: Token);
        var error = await Assert.ThrowsAsync<OracleException>(() => oracle.BalloonActualAsync(Token));
        Assert.Equal("DeviceNotActive", error.ErrorClass);
    }

    [Fact]
    public async Task A_killed_QEMU_ends_the_wait_for_its_reply()
    {
        await using var qemu = await QemuProcess.StartPcAsync([], monitors: 1, Token);
        await using var oracle = await OracleMonitor.ConnectAsync(qemu.MonitorPaths[0], cancellationToken: Token);
        await qemu.StopAsync(Token);
        var reply = oracle.ExecuteAsync("query-status", cancellationToken: Token);
        qemu.Kill();
        _ = await Assert.ThrowsAnyAsync<IOException>(() => reply);
        await qemu.WaitForExitAsync(Token);
        Assert.True(qemu.HasExited);
    }
}
