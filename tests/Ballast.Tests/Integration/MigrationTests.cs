using Ballast.Guests;
using Ballast.Tests.Drivers.Qemu;

namespace Ballast.Tests.Integration;

/// <summary>A real migration from one QEMU to another, seen at both ends.</summary>
[Trait("needs", "qemu")]
public sealed class MigrationTests
{
    private static readonly DomainStateInfo Migrating = new(DomainState.Paused, 2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Where_it_came_it_is_running_because_it_was_migrated_or_resumed(bool isPaused)
    {
        using PrivateDirectory directory = new();
        HaltFirmware.WriteTo(directory.File("halt.bin"));
        string way = $"unix:{directory.File("way")}";
        await using QemuProcess source = await StartAsync(directory), target = await StartAsync(directory, "-incoming", way);
        await using OracleMonitor oracle = await OracleMonitor.ConnectAsync(source.MonitorPaths[1], cancellationToken: Token);
        await using Connection from = await OpenAsync(source), to = await OpenAsync(target);
        Domain left = Assert.Single(await from.ListDomainsAsync(cancellationToken: Token)), arrived = Assert.Single(await to.ListDomainsAsync(cancellationToken: Token));
        await using DomainEventSubscription events = await to.SubscribeAsync(cancellationToken: Token);
        Assert.Equal(Migrating, await arrived.GetStateAsync(Token));
        if (isPaused)
            await left.SuspendAsync(Token);

        _ = await oracle.ExecuteAsync("migrate", new { uri = way }, cancellationToken: Token);
        await Deadline.UntilAsync(Deadline.Default, "the end of the migration", async token =>
            (await oracle.ExecuteAsync("query-migrate", cancellationToken: token)).TryGetProperty("status", out System.Text.Json.JsonElement status)
                && status.ValueEquals("completed"), Token);
        Assert.Equal(Migrating, await left.GetStateAsync(Token));

        if (isPaused)
        {
            await Deadline.UntilAsync(Deadline.Default, "a guest that can be resumed", async token =>
            {
                Assert.Equal(Migrating, await arrived.GetStateAsync(token));
                return await IsPausedAsync(target, token);
            }, Token);
            await arrived.ResumeAsync(Token);
        }

        Assert.Equal([isPaused ? "Resumed Unpaused" : "Resumed Migrated"], await HeardEvents.TakeAsync(events, 1, Token));
        Assert.Equal(new DomainStateInfo(DomainState.Running, isPaused ? 5 : 2), await arrived.GetStateAsync(Token));
        await arrived.SuspendAsync(Token);
        await arrived.ResumeAsync(Token);
        Assert.Equal(new DomainStateInfo(DomainState.Running, 5), await arrived.GetStateAsync(Token));
    }

    private static async Task<bool> IsPausedAsync(QemuProcess qemu, CancellationToken token)
    {
        await using OracleMonitor oracle = await OracleMonitor.ConnectAsync(qemu.MonitorPaths[1], cancellationToken: token);
        return (await oracle.ExecuteAsync("query-status", cancellationToken: token)).GetProperty("status").ValueEquals("paused");
    }

    private static Task<QemuProcess> StartAsync(PrivateDirectory directory, params string[] more) => QemuProcess.StartAsync(
        new QemuOptions
        {
            Monitors = 2,
            Arguments =
            [
                "-accel", "tcg,tb-size=1", "-M", "pc", "-m", "32", "-nodefaults", "-no-user-config", "-display", "none",
                "-bios", directory.File("halt.bin"), .. more,
            ],
        }, Token);

    private static ValueTask<Connection> OpenAsync(QemuProcess qemu) =>
        Connection.OpenAsync($"qmp://{qemu.MonitorPaths[0]}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(20) }, Token);
}
