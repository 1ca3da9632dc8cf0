using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Every command that reads may be answered with every class of error: something is missing then, nothing fails.</summary>
public sealed class MonitorErrorReplyTests
{
    private static readonly string[] Classes =
        ["GenericError", "CommandNotFound", "DeviceNotActive", "DeviceNotFound", "KVMMissingCap", "ClassOfTomorrow"];

    private static readonly string[] Commands =
        ["query-balloon", "guest-stats", "guest-stats-polling-interval", "query-status", "query-memory-size-summary", "query-cpus-fast"];

    public static TheoryData<string, string> EveryClassForEveryCommand =>
        [.. from command in Commands from @class in Classes select (command, @class)];

    [Theory]
    [MemberData(nameof(EveryClassForEveryCommand))]
    public async Task An_error_reply_costs_no_more_than_its_own_part(string command, string @class)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Reporting();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On(command, FakeQmp.Error(@class, "guest hasn't updated any stats yet"));

        MemoryStats sample = await session.SampleAsync();
        MemoryStat[] stats = await session.StatsAsync();
        DomainInfo info = await session.Domain.GetInfoAsync(TestContext.Current.CancellationToken);

        int expected = command switch
        {
            "query-balloon" => 11,
            "guest-stats" => 1,
            _ => 12,
        };
        Assert.Equal(expected, stats.Length);
        Assert.Equal(expected, sample.Entries.Count);
        Assert.Equal(command == "guest-stats-polling-interval" ? null : TimeSpan.FromSeconds(5), sample.Period);
        Assert.Equal(command == "query-cpus-fast" ? 0 : 2, info.VirtualCpus);
        Assert.Equal(command == "query-status" ? DomainState.NoState : DomainState.Running, info.State);
        Assert.Equal(1, fake.Clients);
    }

    [Theory]
    [InlineData("query-name")]
    [InlineData("query-uuid")]
    [InlineData("query-balloon")]
    [InlineData("query-status")]
    [InlineData(FakeGuest.Peripheral)]
    [InlineData(FakeGuest.Anonymous)]
    public async Task A_connection_opens_whatever_of_the_first_questions_is_refused(string command)
    {
        foreach (string @class in Classes.Where(@class => command != "query-name" || @class != "CommandNotFound"))
        {
            await using FakeQmp fake = FakeQmp.Start();
            fake.On(command, FakeQmp.Error(@class, "no"));
            await using FakeSession session = await FakeSession.AtAsync(fake);

            Assert.Matches(command == "query-name" ? "^qemu-[0-9a-f]{8}$" : "^fake$", session.Domain.Name);
            Assert.NotEqual(Guid.Empty, session.Domain.Uuid);
        }
    }

    [Fact]
    public async Task An_old_QEMUs_text_for_no_statistics_is_no_error()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.On("guest-stats", FakeQmp.Error("GenericError", "guest hasn't updated any stats yet"));
        await using FakeSession session = await FakeSession.AtAsync(fake);

        MemoryStats sample = await session.SampleAsync();

        Assert.Equal(MemoryStatsReason.NeverReported, sample.Reason);
        Assert.Equal("guest hasn't updated any stats yet", sample.Detail);
        Assert.Equal([new(MemoryStatTag.ActualBalloon, 2048 * 1024)], await session.StatsAsync());
    }

    [Fact]
    public async Task An_error_without_class_or_text_is_an_error_all_the_same()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("guest-stats", """ "error": {"data": {}} """);

        Assert.Single(await session.StatsAsync());
        Assert.Equal(1, fake.Clients);
    }
}
