using System.Text;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Whose call a monitor is sent next: clients that may change something do not wait for those that may only read.</summary>
public sealed class CallTurnsTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddDays(20_000));

    [Fact]
    public async Task Who_may_change_something_goes_first_and_readers_take_turns()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        object ann = new(), bob = new();
        TaskCompletionSource release = Hold(fake, session, out Task held);
        await fake.ReceivedAsync("hold");
        List<Task> calls = [held];
        for (int i = 0; i < 20; i++)
            calls.Add(Call(fake, session, $"ann{i}", ann));
        for (int i = 0; i < 3; i++)
            calls.Add(Call(fake, session, $"bob{i}", bob));
        for (int i = 0; i < 2; i++)
            calls.Add(Call(fake, session, $"change{i}", null, changesSomething: true));
        release.SetResult();
        await Task.WhenAll(calls).In();

        Assert.Equal(
            ["hold", "change0", "change1", "ann0", "bob0", "ann1", "bob1", "ann2", "bob2", "ann3", "ann4"],
            Sent(fake).Take(11));
    }

    [Fact]
    public async Task Readers_are_served_however_many_others_there_are()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = Hold(fake, session, out Task held);
        await fake.ReceivedAsync("hold");
        List<Task> calls = [held];
        for (int i = 0; i < 30; i++)
            calls.Add(Call(fake, session, $"change{i}", null, changesSomething: true));
        calls.Add(Call(fake, session, "reader", new object()));
        release.SetResult();
        await Task.WhenAll(calls).In();

        Assert.InRange(Sent(fake).IndexOf("reader"), 2, 10);
    }

    [Fact]
    public async Task The_same_question_of_many_who_wait_is_sent_once()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = Hold(fake, session, out Task held);
        await fake.ReceivedAsync("hold");
        int answers = 0;
        fake.On("same", FakeQmp.Return("{}"));
        using CancellationTokenSource cancel = new();
        Task cancelled = Ask(new object(), cancel.Token);
        List<Task> calls = [held, .. Enumerable.Range(0, 50).Select(i => Ask(i % 2 == 0 ? null : new object(), TestContext.Current.CancellationToken))];
        await cancel.CancelAsync();
        release.SetResult();
        await Task.WhenAll(calls).In();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.In());
        Assert.Equal(["hold", "same"], Sent(fake));
        Assert.Equal(50, answers);

        async Task Ask(object? reader, CancellationToken token)
        {
            CallOrigin.Reader = reader;
            _ = await session.Monitor.CallAsync("same", Command("same"), changesSomething: false, _ => Interlocked.Increment(ref answers), Timeout, token);
        }
    }

    [Fact]
    public async Task Who_waited_for_others_is_told_so_and_the_monitor_is_not_taken_for_silent()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        TaskCompletionSource release = Hold(fake, session, out Task held);
        await fake.ReceivedAsync("hold");
        _time.Advance(TimeSpan.FromSeconds(1));
        fake.On("second", FakeQmp.Return("{}"));
        TaskCompletionSource releaseSecond = fake.Hold("second");
        Task second = Call(session, "second", null);
        Task late = Call(fake, session, "late", null, changesSomething: true);
        _time.Advance(TimeSpan.FromSeconds(0.5));
        release.SetResult();
        await held.In();
        await fake.ReceivedAsync("second");
        _time.Advance(TimeSpan.FromSeconds(1.5));

        LibvirtException notSent = await late.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("Other calls kept QEMU monitor", notSent.Message, StringComparison.Ordinal);
        Assert.Contains("late was not sent", notSent.Message, StringComparison.Ordinal);
        LibvirtException sentLate = await second.FailsAsync(ErrorCode.OperationTimeout);
        Assert.Contains("Other calls kept QEMU monitor", sentLate.Message, StringComparison.Ordinal);
        Task next = Call(fake, session, "next", null);
        releaseSecond.SetResult();
        await next.In();
        Assert.Equal(["hold", "second", "next"], Sent(fake));
    }

    private static TaskCompletionSource Hold(FakeQmp fake, FakeSession session, out Task held)
    {
        fake.On("hold", FakeQmp.Return("{}"));
        TaskCompletionSource release = fake.Hold("hold");
        held = Call(session, "hold", null);
        return release;
    }

    private static Task Call(FakeQmp fake, FakeSession session, string name, object? reader, bool changesSomething = false)
    {
        fake.On(name, FakeQmp.Return("{}"));
        return Call(session, name, reader, changesSomething);
    }

    private static async Task Call(FakeSession session, string name, object? reader, bool changesSomething = false)
    {
        CallOrigin.Reader = reader;
        _ = await session.Monitor.CallAsync(name, Command(name), changesSomething, static _ => { }, Timeout, TestContext.Current.CancellationToken);
    }

    private static byte[] Command(string name) => Encoding.UTF8.GetBytes($$"""{"execute":"{{name}}"}""" + "\n");

    private static List<string> Sent(FakeQmp fake) =>
        [.. fake.Commands.Select(command => command.Name).SkipWhile(name => name != "hold")];
}
