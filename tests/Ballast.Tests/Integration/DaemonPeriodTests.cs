using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The daemon has guests report, where nobody else said how often, and leaves them as they were.</summary>
[Trait("needs", "qemu")]
public sealed class DaemonPeriodTests : IDisposable
{
    private static readonly string[] WithBalloon = ["-device", "virtio-balloon-pci,id=balloon0"];

    private readonly PrivateDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_period_is_set_where_there_is_none_and_given_back_at_the_end()
    {
        await using QemuProcess off = await QemuProcess.StartPcAsync(WithBalloon, cancellationToken: Token);
        await using QemuProcess chosen = await QemuProcess.StartPcAsync(WithBalloon, cancellationToken: Token);
        await SetAsync(chosen, 9);
        await using (ChildProcess daemon = await StartAsync("--period", "5", "--qmp", off.MonitorPaths[0], "--qmp", chosen.MonitorPaths[0]))
        {
            await UntilAsync(off, 5);
            Assert.Equal(9, await PeriodAsync(chosen));
            await DaemonRun.EndAsync(daemon, Token);
        }

        Assert.Equal((0, 9), (await PeriodAsync(off), await PeriodAsync(chosen)));
    }

    [Fact]
    public async Task Guests_that_come_later_or_again_are_seen_to_and_a_reload_changes_the_period_of_all()
    {
        string config = _directory.File("ballastd.conf");
        await File.WriteAllTextAsync(config, "period = 5\n", Token);
        using PrivateDirectory place = new();
        await using ChildProcess daemon = await StartAsync("--config", config, "--qmp", place.Path);
        for (int run = 0; run < 2; run++)
        {
            await using ChildProcess qemu = await ChildProcess.StartAsync("qemu-system-x86_64",
            [
                "-accel", "tcg", "-S", "-M", "q35", "-m", "64", "-nodefaults", "-display", "none", "-name", "again", "-uuid", "6b1c1a52-0c6f-4a57-9a3a-3d6ea1b2f0c1", .. WithBalloon,
                "-qmp", $"unix:{place.File("q.sock")},server=on,wait=off", "-qmp", $"unix:{_directory.File("other.sock")},server=on,wait=off",
            ]);
            await UntilAsync(_directory.File("other.sock"), 5);
            if (run == 0)
                continue;
            await File.WriteAllTextAsync(config, "period = 3\n", Token);
            Assert.Equal(0, (await DaemonRun.CommandToEndAsync(["sh", "-c", $"kill -HUP {daemon.Pid}"], Token)).ExitCode);
            await UntilAsync(_directory.File("other.sock"), 3);
            await File.WriteAllTextAsync(config, "", Token);
            Assert.Equal(0, (await DaemonRun.CommandToEndAsync(["sh", "-c", $"kill -HUP {daemon.Pid}"], Token)).ExitCode);
            await UntilAsync(_directory.File("other.sock"), 0);
        }
    }

    [Fact]
    public async Task A_guest_that_is_silent_keeps_no_other_waiting_nor_the_end()
    {
        await using QemuProcess silent = await QemuProcess.StartPcAsync(WithBalloon, cancellationToken: Token);
        await using QemuProcess off = await QemuProcess.StartPcAsync(WithBalloon, cancellationToken: Token);
        await silent.StopAsync(Token);
        await using (ChildProcess daemon = await StartAsync("--period", "5", "--qmp", silent.MonitorPaths[0], "--qmp", off.MonitorPaths[0]))
        {
            await UntilAsync(off, 5);
            await DaemonRun.EndAsync(daemon, Token);
        }

        Assert.Equal(0, await PeriodAsync(off));
    }

    [Fact]
    public async Task Those_that_fall_silent_keep_no_others_period_nor_the_end()
    {
        const int silent = 5;
        QemuProcess[] qemus = await Task.WhenAll(Enumerable.Range(0, silent + 1).Select(_ => QemuProcess.StartPcAsync(WithBalloon, cancellationToken: Token)));
        await using (ChildProcess daemon = await StartAsync(["--period", "5", .. qemus.SelectMany(qemu => (string[])["--qmp", qemu.MonitorPaths[0]])]))
        {
            foreach (QemuProcess qemu in qemus)
                await UntilAsync(qemu, 5);
            foreach (QemuProcess qemu in qemus[..silent])
                await qemu.StopAsync(Token);
            await DaemonRun.EndAsync(daemon, Token).WaitAsync(TimeSpan.FromSeconds(5), Token);
        }

        Assert.Equal(0, await PeriodAsync(qemus[silent]));
        foreach (QemuProcess qemu in qemus)
            await qemu.DisposeAsync();
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("3601")]
    [InlineData("soon")]
    public async Task A_period_that_is_none_is_refused(string period) =>
        DaemonRun.IsRefused(await DaemonRun.ToEndAsync(Token, "--period", period), 2, "--period: '" + period + "' is not a number from 0 to 3600");

    private Task<ChildProcess> StartAsync(params string[] arguments) =>
        DaemonRun.StartAsync(Token, ["--socket", _directory.File("sock"), .. arguments]);

    private static Task UntilAsync(QemuProcess qemu, int seconds) => UntilAsync(qemu.MonitorPaths[1], seconds);

    private static Task UntilAsync(string monitor, int seconds) =>
        Deadline.UntilAsync(Deadline.Default, $"period {seconds}", async _ => File.Exists(monitor) && await PeriodAsync(monitor) == seconds, Token);

    private static Task<int> PeriodAsync(QemuProcess qemu) => PeriodAsync(qemu.MonitorPaths[1]);

    private static async Task<int> PeriodAsync(string monitor)
    {
        try
        {
            await using Connection connection = await Connection.OpenAsync($"qmp://{monitor}", cancellationToken: Token);
            return await (await connection.ListDomainsAsync(cancellationToken: Token))[0].GetPeriodAsync(Token);
        }
        catch (LibvirtException e) when (e.Code is ErrorCode.SystemError or ErrorCode.NoDomain)
        {
            // A QEMU that starts, or one that just ended.
            return -1;
        }
    }

    private static async Task SetAsync(QemuProcess qemu, int seconds)
    {
        await using Connection connection = await Connection.OpenAsync($"qmp://{qemu.MonitorPaths[1]}", cancellationToken: Token);
        await (await connection.ListDomainsAsync(cancellationToken: Token))[0].SetPeriodAsync(seconds, cancellationToken: Token);
    }
}
