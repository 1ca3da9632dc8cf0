using System.Text;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>A monitor that misbehaves: its own callers get a typed error, and the next call starts afresh.</summary>
public sealed class HostileMonitorTests
{
    [Fact]
    public async Task A_monitor_that_closes_in_the_middle_of_a_call_is_a_lost_connection()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> asked = session.StatsAsync();
        Task<MemoryStat[]> waiting = session.StatsAsync();
        Task write = session.SetPeriodAsync(3);
        await fake.ReceivedAsync("guest-stats");
        await fake.SendRawAsync("""{"return": {"act""");
        fake.Disconnect();

        foreach (Task call in (Task[])[asked, waiting, write])
        {
            LibvirtException error = await call.FailsAsync(ErrorCode.SystemError);
            Assert.Equal(ErrorOrigin.Rpc, error.Origin);
            Assert.StartsWith($"Connection to QEMU monitor '{fake.Path}' was lost: ", error.Message, StringComparison.Ordinal);
        }

        release.SetResult();
        Assert.Equal(2, (await session.StatsAsync()).Length);
        Assert.Equal(0, fake.CountOf("set guest-stats-polling-interval"));
    }

    [Theory]
    [InlineData("garbage\r\n", "not JSON")]
    [InlineData("5", "not JSON")]
    [InlineData("[]", "not JSON")]
    [InlineData("\"text\"", "not JSON")]
    [InlineData("}", "not JSON")]
    [InlineData("\0", "not JSON")]
    [InlineData("\uFEFF{}", "not JSON")]
    [InlineData("""{"return": {"actual": 01}}""", "not JSON")]
    [InlineData("""{"return": [}]""", "not JSON")]
    [InlineData("""{"return": nil}""", "not JSON")]
    [InlineData("""{'return': 1}""", "not JSON")]
    [InlineData("""{"return": {}, }""", "not JSON")]
    [InlineData("{\"return\": \"\u0001\"}", "not JSON")]
    [InlineData("{}", "no known kind")]
    [InlineData("""{"id": 5}""", "no known kind")]
    [InlineData("""{"return": {}, "error": {}}""", "two kinds")]
    [InlineData("""{"return": {}, "return": {}}""", "two kinds")]
    [InlineData("""{"event": "A", "return": {}}""", "two kinds")]
    [InlineData("""{"error": 5}""", "not an object")]
    [InlineData("""{"error": {"class": "GenericError", "desc": "\ud800"}}""", "not Unicode")]
    [InlineData(FakeQmp.Greeting, "greeted in the middle")]
    [InlineData("""{"return": []}""", "another shape")]
    [InlineData("""{"return": {}}""", "another shape")]
    [InlineData("""{"return": null}""", "another shape")]
    [InlineData("""{"return": 5}""", "another shape")]
    [InlineData("""{"return": {"stats": {}, "last-update": 0}}""", "another shape")]
    [InlineData("""{"event": "BALLOON_CHANGE"}""", "not JSON")]
    [InlineData("""{"event": "BALLOON_CHANGE", "data": {}}""", "another shape")]
    [InlineData("""{"event": "BALLOON_CHANGE", "data": [5]}""", "another shape")]
    [InlineData("""{"event": "DEVICE_DELETED"}""", "not JSON")]
    [InlineData("""{"event": "DEVICE_DELETED", "data": 7}""", "not an object")]
    [InlineData("""{"event": "DEVICE_DELETED", "data": {"path": "\ud800"}}""", "not Unicode")]
    public async Task What_is_no_answer_ends_the_connection_and_says_why(string message, string complaint)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("query-balloon", async _ =>
        {
            fake.Forget("query-balloon");
            await fake.SendRawAsync(message);
            return FakeQmp.Nothing;
        });

        LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.SystemError);

        Assert.Equal(ErrorOrigin.Rpc, error.Origin);
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await session.StatsAsync()).Length);
        Assert.Equal(2, fake.Clients);
    }

    [Theory]
    [InlineData("guest-stats", "5")]
    [InlineData("guest-stats", "{}")]
    [InlineData("guest-stats", """{"actual": 5}""")]
    [InlineData("guest-stats-polling-interval", "{}")]
    [InlineData("query-status", """{"status": "running"}""")]
    [InlineData("query-status", """{"running": true}""")]
    [InlineData("query-status", """{"status": 5, "running": true}""")]
    [InlineData("query-status", """{"status": "running", "running": "yes"}""")]
    [InlineData("query-memory-size-summary", "{}")]
    public async Task An_answer_of_another_shape_than_its_question_is_a_typed_error(string command, string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On(command, FakeQmp.Return(json));

        LibvirtException error = await session.SampleAsync().FailsAsync(ErrorCode.SystemError);

        Assert.Equal(ErrorOrigin.Rpc, error.Origin);
        Assert.Contains("its ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"actual": 5}""")]
    [InlineData("[]")]
    [InlineData("7")]
    public async Task An_answer_to_a_change_that_is_no_acknowledgement_is_not_believed(string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("balloon", FakeQmp.Return(json));
        fake.On("set guest-stats-polling-interval", FakeQmp.Return(json));

        await session.SetMemoryAsync(1024 * 1024).FailsAsync(ErrorCode.SystemError);
        await session.SetPeriodAsync(3).FailsAsync(ErrorCode.SystemError);
    }

    [Theory]
    [InlineData("5")]
    [InlineData("{}")]
    [InlineData("""[{"name": "\ud800", "type": "child<virtio-balloon-pci>"}]""")]
    public async Task A_list_of_devices_that_is_none_is_a_typed_error(string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Balloon = null;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.Guest.Balloon = $"{FakeGuest.Peripheral}/late";
        fake.On(FakeGuest.Peripheral, FakeQmp.Return(json));

        LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.SystemError);

        Assert.Equal(ErrorOrigin.Rpc, error.Origin);
        fake.Forget(FakeGuest.Peripheral);
        Assert.Equal(2, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task Names_that_are_no_unicode_are_names_that_mean_nothing()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("query-balloon", """ "return": {"\ud800ctual": 7, "actual": 2048}, "\ud800eturn": {}, "\udc00": 1 """);
        fake.On("guest-stats", FakeQmp.Return("""{"\ud800tats": 1, "stats": {"stat-\ud800ree-memory": 5}, "last-update": 3}"""));

        Assert.Equal([new(MemoryStatTag.ActualBalloon, 2), new(MemoryStatTag.LastUpdate, 3)], await session.StatsAsync());
    }

    [Theory]
    [InlineData('[', ']')]
    [InlineData('{', '}')]
    public async Task A_thousand_levels_deep_is_too_deep(char open, char close)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        string opening = open == '[' ? "[" : "{\"a\":";
        StringBuilder deep = new("{\"return\": ");
        for (int i = 0; i < 1000; i++)
            deep.Append(opening);
        deep.Append(open == '[' ? "" : "1").Append(close, 1000).Append('}');
        fake.On("query-balloon", async _ =>
        {
            fake.Forget("query-balloon");
            await fake.SendRawAsync(deep.ToString());
            return FakeQmp.Nothing;
        });

        LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.SystemError);

        Assert.Contains("nested deeper than 32", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task Nesting_within_the_limit_is_passed_over()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        string deep = new string('[', 28) + new string(']', 28);
        fake.On("query-balloon", FakeQmp.Return($$"""{"other": {{deep}}, "actual": 4096}"""));

        Assert.Equal(4ul, (await session.StatsAsync())[0].Value);
    }

    [Fact]
    public async Task Answers_that_trickle_in_byte_by_byte_are_answers()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.PieceSize = 1;
        fake.Guest.Reporting();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await fake.SendAsync(FakeQmp.Event("NIC_RX_FILTER_CHANGED", """{"name": "net0"}"""));

        Assert.Equal(12, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task Answers_spread_over_lines_are_answers()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.IsPretty = true;
        fake.Guest.Reporting();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(12, (await session.StatsAsync()).Length);
        await session.SetPeriodAsync(3);
    }

    [Fact]
    public async Task Answers_and_events_glued_together_are_told_apart()
    {
        await using FakeQmp fake = FakeQmp.Start();
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time);
        fake.On("guest-stats", FakeQmp.Nothing);
        fake.On("query-balloon", async _ =>
        {
            await fake.SendRawAsync(
                FakeQmp.Event("STOP") + """ {"return": {"stats": {}, "last-update": 9}}""" + FakeQmp.Event("RESUME")
                + """{"return": {"actual": 1048576}}""" + FakeQmp.Event("BALLOON_CHANGE", """{"actual": 3145728}"""));
            return FakeQmp.Nothing;
        });

        Assert.Equal([new(MemoryStatTag.ActualBalloon, 1024), new(MemoryStatTag.LastUpdate, 9)], await session.StatsAsync());
        await Waiting.UntilAsync("BALLOON_CHANGE", () => session.Monitor.ActualBytes == 3145728);
    }
}
