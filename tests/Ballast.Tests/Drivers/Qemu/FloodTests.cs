using System.Text;
using Ballast.Guests;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Monitors that send without end. Alone, because the process's memory is looked at.</summary>
[Collection(nameof(FloodTests))]
[CollectionDefinition(nameof(FloodTests), DisableParallelization = true)]
public sealed class FloodTests
{
    [Fact]
    public async Task A_reply_of_a_hundred_megabytes_is_not_kept()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        byte[] piece = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("\"0123456789abcdef\", ", 50_000)));
        fake.On("query-balloon", async _ =>
        {
            fake.Forget("query-balloon");
            await fake.SendRawAsync("{\"return\": [");
            for (int sent = 0; sent < 100_000_000 && fake.HasClient; sent += piece.Length)
                await fake.SendRawAsync(piece);
            return FakeQmp.Nothing;
        });
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        long resident = Environment.WorkingSet;

        LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.SystemError);

        Assert.Contains("more than 1048576 bytes", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - allocated, 0, 20_000_000);
        Assert.InRange(Environment.WorkingSet - resident, long.MinValue, 20_000_000);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 5_000_000);
        Assert.Equal(2, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task A_reply_just_within_the_limit_is_read_and_its_memory_given_back()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("query-balloon", FakeQmp.Return($$"""{"padding": "{{new string('x', 1_000_000)}}", "actual": 4096}"""));
        Assert.Equal(4ul, (await session.StatsAsync())[0].Value);
        fake.Forget("query-balloon");
        _ = await session.StatsAsync();
        long before = GC.GetTotalMemory(forceFullCollection: true);

        for (int i = 0; i < 100; i++)
            _ = await session.StatsAsync();

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 500_000);
    }

    [Fact]
    public async Task Answers_much_longer_than_answers_are_come_a_few_times_a_second_at_most()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, new FakeTimeProvider());
        fake.On("query-balloon", FakeQmp.Return($$"""{"padding": "{{new string('x', 1_000_000)}}", "actual": 4096}"""));
        _ = await session.StatsAsync();
        _ = await session.StatsAsync();

        LibvirtException error = await session.StatsAsync().FailsAsync(ErrorCode.SystemError);

        Assert.Contains("unsolicited bytes a second", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Long_answers_to_what_has_long_answers_are_taken_at_any_rate()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, new FakeTimeProvider());
        fake.On("query-cpus-fast", FakeQmp.Return($$"""[{"cpu-index": 0, "thread-id": 1, "padding": "{{new string('x', 1_000_000)}}"}]"""));

        for (int i = 0; i < 20; i++)
        {
            Assert.Null(await session.Monitor.CallAsync(
                "query-cpus-fast", """{"execute":"query-cpus-fast"}"""u8.ToArray(), changesSomething: false, static _ => { }, TimeSpan.FromSeconds(2), CancellationToken.None));
        }

        Assert.Equal(1, fake.Clients);
    }

    /// <summary>White space, also in the smallest portions, and as one line without an end.</summary>
    [Theory]
    [InlineData(" ", 65536, false)]
    [InlineData("\r\n", 32768, true)]
    [InlineData("\t", 1, false)]
    [InlineData("\n", 1, true)]
    public async Task Space_without_end_costs_only_the_monitors_own_callers(string space, int times, bool isInHandshake)
    {
        await using FakeQmp flooding = FakeQmp.Start();
        await using FakeQmp quiet = FakeQmp.Start();
        await using FakeSession other = await FakeSession.AtAsync(quiet);
        byte[] piece = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(space, times)));
        flooding.On(isInHandshake ? "qmp_capabilities" : "guest-stats", async _ =>
        {
            while (flooding.HasClient)
                await flooding.SendRawAsync(piece);
            return FakeQmp.Nothing;
        });

        Task<MemoryStat[]> call = Task.Run(async () =>
        {
            await using FakeSession session = await FakeSession.AtAsync(flooding);
            return await session.StatsAsync();
        }, CancellationToken.None);
        while (!call.IsCompleted)
            Assert.Equal(2, (await other.StatsAsync()).Length);

        // On a busy machine single bytes may not come fast enough to be too many.
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(() => call);
        if (times > 1 || error.Code != ErrorCode.OperationTimeout)
            Assert.Contains("unsolicited bytes a second", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"event": "VSERPORT_CHANGE", "data": {"open": true}}""")]
    [InlineData("""{"event": "BALLOON_CHANGE", "data": {"actual": 4096}}""")]
    [InlineData("""{"return": {"actual": 4096}, "id": 77}""")]
    [InlineData("""{"error": {"class": "GenericError", "desc": "no"}, "id": 77}""")]
    public async Task Messages_without_end_cost_only_the_monitors_own_callers(string message)
    {
        await using FakeQmp flooding = FakeQmp.Start();
        await using FakeQmp quiet = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(flooding);
        await using FakeSession other = await FakeSession.AtAsync(quiet);
        flooding.Hold("query-balloon");
        byte[] piece = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(message + "\r\n", 1000)));
        Task<MemoryStat[]> call = session.StatsAsync();
        await flooding.ReceivedAsync("query-balloon", 2);
        Task flood = Task.Run(async () =>
        {
            while (flooding.HasClient)
                await flooding.SendRawAsync(piece);
        }, CancellationToken.None);

        while (!call.IsCompleted)
            Assert.Equal(2, (await other.StatsAsync()).Length);

        LibvirtException error = await call.FailsAsync(ErrorCode.SystemError);
        Assert.Contains("too many unsolicited messages", error.Message, StringComparison.Ordinal);
        await flood.In();
    }

    [Fact]
    public async Task Replies_without_end_while_nobody_asks_end_the_connection()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        byte[] piece = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"return\": {}}\r\n", 1000)));

        while (session.Monitor.IsConnected)
            await fake.SendRawAsync(piece);

        Assert.Equal(2, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task Events_without_end_before_the_first_answer_are_a_typed_error()
    {
        await using FakeQmp fake = FakeQmp.Start();
        byte[] piece = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"event\": \"RTC_CHANGE\"}\r\n", 1000)));
        fake.On("qmp_capabilities", async _ =>
        {
            while (fake.HasClient)
                await fake.SendRawAsync(piece);
            return FakeQmp.Nothing;
        });

        LibvirtException error = await FakeSession.ConnectAsync(fake).FailsAsync(ErrorCode.SystemError);

        Assert.Contains("too many unsolicited messages", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_few_thousand_events_are_taken()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await fake.SendRawAsync(string.Concat(Enumerable.Repeat("{\"event\": \"RTC_CHANGE\"}\r\n", 5000)));
        await session.SettleAsync(fake);

        Assert.Equal(2, (await session.StatsAsync()).Length);
        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task An_answer_of_many_parts_costs_little_however_many_asked_for_it()
    {
        using PrivateDirectory directory = new();
        await using FakeQmp well = FakeQmp.Start(path: directory.File("well")), sick = FakeQmp.Start(path: directory.File("sick"));
        sick.Guest.Uuid = Guid.NewGuid().ToString();
        await using FakeSession healthy = await FakeSession.AtAsync(well), session = await FakeSession.AtAsync(sick);
        byte[] reply = Encoding.ASCII.GetBytes($"{{\"return\": [{string.Concat(Enumerable.Repeat("[],", 340_000))}[]]}}\r\n");
        foreach (string question in (string[])["query-block", "query-chardev"])
        {
            sick.On(question, async _ =>
            {
                await sick.SendRawAsync(reply);
                return FakeQmp.Nothing;
            });
        }

        long before = GC.GetTotalAllocatedBytes(precise: true);
        Task<string[]> all = Task.WhenAll(Enumerable.Range(0, 128).Select(_ => session.Domain.GetXmlAsync(cancellationToken: TestContext.Current.CancellationToken).AsTask()));
        do
            Assert.Equal(2, (await healthy.StatsAsync()).Length);
        while (await Task.WhenAny(all, Task.Delay(20, TestContext.Current.CancellationToken)) != all);

        Assert.All(await all.In(), xml => Assert.Contains("<name>fake</name>", xml, StringComparison.Ordinal));
        Assert.True(sick.CountOf("query-block") > 0, "it was never asked");
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 300_000_000);
    }
}
