using System.Diagnostics;
using System.Net.Sockets;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Transports;

namespace Ballast.Tests.Transports;

/// <summary>A thread rests while another gets on with a crowd, and only then.</summary>
public sealed class CrowdRestTests
{
    private static readonly long Millisecond = Stopwatch.Frequency / 1000;

    private readonly CrowdRest _rest = new();
    private CrowdRest.Share _own;
    private CrowdRest.Share _other;

    [Fact]
    public void One_rests_where_the_other_handles_many_in_a_moment_and_never_both()
    {
        Assert.False(_rest.TryBegin(ref _own, Millisecond * 10));
        OtherHandles(4, Millisecond * 10);

        Assert.True(_rest.TryBegin(ref _own, Millisecond * 10));
        for (int i = 0; i < 20; i++)
            Assert.False(_rest.TryBegin(ref _other, Millisecond * 10));
        _rest.End();
    }

    [Fact]
    public void Nobody_rests_who_has_no_other()
    {
        for (int i = 0; i < 1000; i++)
            Assert.False(_rest.TryBegin(ref _own, Millisecond * 10));
    }

    [Fact]
    public void Nobody_rests_where_the_other_handles_few_in_a_moment()
    {
        for (long now = Millisecond * 10; now < Millisecond * 1000; now += Millisecond)
        {
            OtherHandles(2, now);
            Assert.False(_rest.TryBegin(ref _own, now));
        }
    }

    [Fact]
    public void The_rest_is_over_when_the_other_does_not_get_on()
    {
        _rest.Handled(ref _own);
        OtherHandles(4, Stopwatch.GetTimestamp());

        // However long that took, it is a moment. Nobody handles anything meanwhile: this returns.
        _own.Since = Stopwatch.GetTimestamp() + Stopwatch.Frequency;
        _rest.Handled(ref _own);
        _own = default;
        Assert.False(_rest.TryBegin(ref _own, Millisecond * 10));
        OtherHandles(4, Millisecond * 10);
        Assert.True(_rest.TryBegin(ref _own, Millisecond * 10));
    }

    [Fact]
    public async Task Whoever_is_held_up_keeps_nobody_of_the_crowd_waiting()
    {
        SocketPoller poller = new("Ballast test", 2, _rest);
        List<(PolledSocket Own, Socket Peer)> crowd = [.. Enumerable.Range(0, 16).Select(_ => PolledSocketTests.Pair(poller))];
        (PolledSocket held, Socket its) = PolledSocketTests.Pair(poller);
        using ManualResetEventSlim end = new();
        using (held)
        using (its)
        {
            for (int round = 0; round < 20; round++)
            {
                end.Reset();
                Task holding = HoldAsync(held, end);
                Task[] told = [.. crowd.Select(one => EchoAsync(one.Own, one.Peer))];
                _ = its.Send(new byte[1]);
                await Task.WhenAll(told).In();
                Assert.False(holding.IsCompleted);
                end.Set();
                await holding.In();
            }
        }

        foreach ((PolledSocket own, Socket peer) in crowd)
        {
            own.Dispose();
            peer.Dispose();
        }
    }

    // On the thread that tells it, as who looks at the host does.
    private static async Task HoldAsync(PolledSocket socket, ManualResetEventSlim end)
    {
        _ = await socket.ReceiveAsync(new byte[8], CancellationToken.None).ConfigureAwait(false);
        end.Wait(TestContext.Current.CancellationToken);
    }

    private static async Task EchoAsync(PolledSocket socket, Socket peer)
    {
        for (int i = 0; i < 100; i++)
        {
            Task<int> received = socket.ReceiveAsync(new byte[8], CancellationToken.None).AsTask();
            _ = peer.Send(new byte[1]);
            Assert.Equal(1, await received.ConfigureAwait(false));
        }
    }

    private void OtherHandles(int count, long now)
    {
        for (int i = 0; i < count; i++)
            Assert.False(_rest.TryBegin(ref _other, now));
    }
}
