using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Calls that end a guest, or change it, where only the peer of a socket is known.</summary>
public sealed class EndOfGuestTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_relay_that_ends_without_passing_quit_on_does_not_end_the_guest()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("quit", _ =>
        {
            fake.Disconnect();
            return FakeQmp.Nothing;
        });

        LibvirtException lost = await Assert.ThrowsAsync<LibvirtException>(async () => await session.Domain.DestroyAsync(cancellationToken: Token).In());
        Assert.Contains("quit was sent and may still take effect", lost.Message, StringComparison.Ordinal);
        _ = Assert.Single(await session.Connection.ListDomainsAsync(cancellationToken: Token).In());
    }

    [Fact]
    public async Task Of_many_who_end_a_guest_at_once_one_is_told_that_it_did()
    {
        const int callers = 20;
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        fake.On("quit", async _ =>
        {
            await goOn.Task;
            fake.StopListening();
            await fake.SendAsync($"{{{FakeQmp.Return("{}")}}}");
            fake.Disconnect();
            return FakeQmp.Nothing;
        });
        Task[] ending = [.. Enumerable.Range(0, callers).Select(_ => session.Domain.DestroyAsync(cancellationToken: Token).AsTask())];
        await fake.ReceivedAsync("quit");
        goOn.SetResult();

        await Task.WhenAll(ending).ContinueWith(static _ => 0, TaskScheduler.Default).In();
        _ = Assert.Single(ending, task => task.IsCompletedSuccessfully);
        Assert.All(ending.Where(task => task.IsFaulted), task => Assert.IsType<LibvirtException>(task.Exception!.InnerException));
        Assert.Equal(1, fake.CountOf("quit"));
    }

    [Fact]
    public async Task Who_comes_second_ends_the_guest_where_the_first_could_not()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        TaskCompletionSource goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        fake.On("quit", async _ =>
        {
            await goOn.Task;
            fake.On("quit", FakeQmp.Return("{}"));
            return FakeQmp.Error("GenericError", "not now");
        });
        Task first = session.Domain.DestroyAsync(cancellationToken: Token).AsTask();
        await fake.ReceivedAsync("quit");
        Task second = session.Domain.DestroyAsync(cancellationToken: Token).AsTask();
        goOn.SetResult();

        Assert.Contains("not now", (await Assert.ThrowsAsync<LibvirtException>(async () => await first.In())).Message, StringComparison.Ordinal);
        await second.In();
        Assert.Equal(2, fake.CountOf("quit"));
    }

    [Fact]
    public async Task Nobody_waits_longer_behind_another_than_its_own_deadline()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        await using FakeSession hasty = await FakeSession.AtAsync(fake, timeout: TimeSpan.FromMilliseconds(200));
        TaskCompletionSource goOn = fake.Hold("quit");
        Task first = session.Domain.DestroyAsync(cancellationToken: Token).AsTask();
        await fake.ReceivedAsync("quit");

        LibvirtException late = await Assert.ThrowsAsync<LibvirtException>(async () => await hasty.Domain.DestroyAsync(cancellationToken: Token).In());
        Assert.Equal(ErrorCode.OperationTimeout, late.Code);
        Assert.Equal(1, fake.CountOf("quit"));
        goOn.SetResult();
        await first.ContinueWith(static _ => 0, TaskScheduler.Default).In();
    }

    [Fact]
    public async Task A_change_whose_answer_is_lost_may_still_take_effect()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("balloon", _ =>
        {
            fake.Disconnect();
            return FakeQmp.Nothing;
        });

        LibvirtException lost = await Assert.ThrowsAsync<LibvirtException>(async () => await session.Domain.SetMemoryAsync(4096, cancellationToken: Token).In());
        Assert.Contains("; balloon was sent and may still take effect", lost.Message, StringComparison.Ordinal);
    }
}
