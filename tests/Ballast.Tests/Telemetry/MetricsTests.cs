using System.Diagnostics;
using System.Reflection;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using Ballast.Tests.Performance;
using Ballast.Tests.Rpc;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Telemetry;

/// <summary>Counters and activities are the process's, so nothing else runs beside these tests.</summary>
[Collection(AlonePerProcess.Name)]
public sealed class MetricsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Questions_and_callers_that_shared_them_are_counted()
    {
        using HeardMetrics heard = new();
        await using FakeQmp fake = FakeQmp.Start();
        await using (FakeSession session = await FakeSession.AtAsync(fake))
        {
            Assert.Equal(1, heard["ballast.monitor.open"]);
            TaskCompletionSource release = fake.Hold("guest-stats");
            Task<MemoryStat[]> first = session.StatsAsync();
            await fake.ReceivedAsync("guest-stats");
            Task<MemoryStat[]>[] others = [session.StatsAsync(), session.StatsAsync(), session.StatsAsync()];
            release.SetResult();
            await first;
            await Task.WhenAll(others);
            Assert.Equal(2, heard["ballast.monitor.queries"]);
            Assert.Equal(2, heard["ballast.monitor.shared_callers"]);
            Assert.Equal(4, heard.Values("ballast.monitor.query.duration").Count);
            Assert.All(heard.Values("ballast.monitor.query.duration"), seconds => Assert.InRange(seconds, 0, 15));
            Assert.InRange(heard["ballast.io monitor transmit"], 1, 100_000);
            Assert.InRange(heard["ballast.io monitor receive"], 1, 100_000);
        }

        Assert.Equal(0, heard["ballast.monitor.open"]);
    }

    [Fact]
    public async Task Timeouts_and_marks_are_counted()
    {
        using HeardMetrics heard = new();
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, time, TimeSpan.FromSeconds(2));
        fake.Hold("guest-stats");
        Task<MemoryStat[]> first = session.StatsAsync(), second = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        time.Advance(TimeSpan.FromSeconds(2));
        await first.FailsAsync(ErrorCode.OperationTimeout);
        await second.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Equal((2, 1), (heard["ballast.monitor.timeouts"], heard["ballast.monitor.resynchronizations"]));
    }

    [Fact]
    public async Task Clients_and_their_bytes_are_counted()
    {
        using HeardMetrics heard = new();
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        await using (Connection one = await server.ConnectAsync(), two = await server.ConnectAsync())
        {
            _ = await two.GetHostNameAsync(Token);
            Assert.Equal(2, heard["ballast.server.clients"]);
            Assert.Equal(heard["ballast.io daemon transmit"], heard["ballast.io client receive"]);
        }

        await Waiting.UntilAsync("their end", () => heard["ballast.server.clients"] == 0);
        Assert.InRange(heard["ballast.io client transmit"], 100, 100_000);
    }

    [Fact]
    public async Task Questions_and_calls_are_activities_of_who_asked()
    {
        List<Activity> ended = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == "Ballast",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                lock (ended)
                    ended.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, time, TimeSpan.FromSeconds(2));
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        await using Connection remote = await server.ConnectAsync();
        using Activity caller = new("caller");
        caller.Start();
        _ = await session.StatsAsync();
        _ = await remote.GetHostNameAsync(Token);
        await session.Domain.SetPeriodAsync(7, cancellationToken: Token);
        fake.Hold("guest-stats");
        Task<MemoryStat[]> late = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats", fake.CountOf("guest-stats"));
        time.Advance(TimeSpan.FromSeconds(2));
        await late.FailsAsync(ErrorCode.OperationTimeout);
        caller.Stop();
        Activity[] ours = [.. ended.Where(activity => activity.ParentId == caller.Id)];
        Assert.Equal(["ballast.monitor.query", "ballast.rpc.call", "ballast.monitor.command", "ballast.monitor.query"], ours.Select(activity => activity.OperationName));
        Assert.Equal((fake.Path, "ConnectGetHostname"), (ours[0].GetTagItem("ballast.monitor"), ours[1].GetTagItem("rpc.method")));
        Assert.Equal((fake.Path, "qom-set"), (ours[2].GetTagItem("ballast.monitor"), ours[2].GetTagItem("ballast.monitor.command")));
        Assert.Matches("^\\{.*\"guest-stats-polling-interval\".*7.*\\}$", (string)ours[2].GetTagItem("ballast.monitor.text")!);
        Assert.Equal((ActivityStatusCode.Unset, ActivityStatusCode.Error, "OperationTimeout"), (ours[0].Status, ours[3].Status, ours[3].GetTagItem("error.type")));
    }

    [Fact]
    public void The_page_lists_them_all()
    {
        string page = File.ReadAllText(Path.Combine(Ballast.Tests.Integration.NativeProgram.Root, "docs/metrics.md"));
        using HeardMetrics heard = new();
        Assert.Equal(11, heard.Instruments.Count);
        Assert.All(heard.Instruments, instrument => Assert.Contains($"| `{instrument.Name}` | {instrument.Unit} |", page, StringComparison.Ordinal));
        LoggerMessageAttribute[] lines =
        [
            .. typeof(Connection).Assembly.GetTypes().SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
                .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>()).OfType<LoggerMessageAttribute>(),
        ];
        Assert.InRange(lines.Length, 10, 100);
        Assert.All(lines, line => Assert.Contains($"| {line.EventId} | {line.Level} | {line.Message} |", page, StringComparison.Ordinal));
    }
}
