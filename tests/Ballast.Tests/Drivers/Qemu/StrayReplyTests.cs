using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Replies that nobody asked for, and replies that come when nobody waits for them any more.</summary>
public sealed class StrayReplyTests
{
    // No number that the fake guest tells when it is counting.
    private const string Stray = """{"return": {"actual": 999999999488}}""";

    [Fact]
    public async Task A_reply_while_nobody_asked_makes_the_next_question_a_marked_one()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await fake.SendAsync(Stray);
        await session.SettleAsync(fake);
        int commands = fake.Commands.Count;

        Assert.Equal([3ul, 2, 1], (await session.StatsAsync()).Select(stat => stat.Value));

        Assert.Equal(["query-status", "guest-stats", "query-balloon"], fake.Commands.Skip(commands).Select(command => command.Key));
        Assert.NotNull(fake.Commands[commands].Id);
        _ = await session.StatsAsync();
        Assert.Equal(commands + 5, fake.Commands.Count);
        Assert.Equal(1, fake.Clients);
    }

    [Theory]
    [InlineData("""{"return": {"actual": 999999999488}, "id": 1}""")]
    [InlineData("""{"return": {"actual": 999999999488}, "id": "libvirt-1"}""")]
    [InlineData("""{"id": null, "return": {"actual": 999999999488}}""")]
    [InlineData("""{"error": {"class": "GenericError", "desc": "no"}, "id": {"a": [1]}}""")]
    public async Task A_reply_to_somebody_elses_question_is_passed_over_while_ours_is_open(string stray)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource release = fake.Hold("query-balloon");
        Task<MemoryStat[]> call = session.StatsAsync();
        await fake.ReceivedAsync("query-balloon", 2);
        await fake.SendAsync(stray);
        await session.SettleAsync(fake);

        release.SetResult();

        Assert.Equal([3ul, 2, 1], (await call.In()).Select(stat => stat.Value));
        _ = await session.StatsAsync();
        Assert.Equal(2, fake.CountOf("query-status"));
        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task A_reply_of_another_kind_between_ours_is_a_typed_error_and_no_number()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("guest-stats", async command =>
        {
            fake.Forget("guest-stats");
            await fake.SendAsync(Stray);
            return fake.Guest.Answer(command);
        });

        await session.StatsAsync().FailsAsync(ErrorCode.SystemError);

        Assert.Equal(2, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task Answers_in_the_wrong_order_are_a_typed_error_and_no_numbers()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("guest-stats", FakeQmp.Nothing);
        fake.On("query-balloon", async command =>
        {
            fake.Forget("query-balloon");
            fake.Forget("guest-stats");
            await fake.SendAsync("""{"return": {"actual": 5}}""");
            return FakeQmp.Return("""{"stats": {}, "last-update": 9}""");
        });

        await session.StatsAsync().FailsAsync(ErrorCode.SystemError);

        Assert.Equal(2, (await session.StatsAsync()).Length);
    }

    [Fact]
    public async Task An_answer_given_twice_is_not_the_answer_to_the_next_question()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("query-balloon", async command =>
        {
            fake.Forget("query-balloon");
            string answer = fake.Guest.Answer(command);
            await fake.SendRawAsync($"{{{answer}}}\r\n{{{answer}}}\r\n");
            return FakeQmp.Nothing;
        });

        Assert.Equal([3ul, 2, 1], (await session.StatsAsync()).Select(stat => stat.Value));
        await session.SettleAsync(fake);
        Assert.Equal([5ul, 4, 1], (await session.StatsAsync()).Select(stat => stat.Value));
        Assert.Equal(2, fake.CountOf("query-status"));
    }

    [Fact]
    public async Task A_mark_that_is_not_ours_does_not_end_the_search_for_the_place()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        FakeTimeProvider time = new();
        await using FakeSession session = await FakeSession.AtAsync(fake, time, TimeSpan.FromSeconds(2));
        TaskCompletionSource release = fake.Hold("guest-stats");
        Task<MemoryStat[]> call = session.StatsAsync();
        await fake.ReceivedAsync("guest-stats");
        time.Advance(TimeSpan.FromSeconds(2));
        await call.FailsAsync(ErrorCode.OperationTimeout);
        foreach (string id in (string[])["0", "2", "-1", "\"1\"", "1.0", "18446744073709551617", "null", "[1]"])
            await fake.SendAsync($$"""{"return": {"status": "running", "running": true}, "id": {{id}}}""");
        await fake.SendAsync(Stray);
        await session.SettleAsync(fake);
        Assert.True(session.Monitor.IsBusy);
        await session.StatsAsync().FailsAsync(ErrorCode.OperationTimeout);

        release.SetResult();
        await Waiting.UntilAsync("mark", () => !session.Monitor.IsBusy);

        Assert.Equal([5ul, 4, 1], (await session.StatsAsync()).Select(stat => stat.Value));
        Assert.Equal(1, fake.Clients);
    }

    [Fact]
    public async Task An_error_with_the_mark_is_the_mark()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("query-status", FakeQmp.Error("CommandNotFound", "no"));
        await fake.SendAsync(Stray);
        await session.SettleAsync(fake);

        Assert.Equal(2, (await session.StatsAsync()).Length);
    }
}
