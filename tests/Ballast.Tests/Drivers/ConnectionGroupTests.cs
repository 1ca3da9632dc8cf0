using System.Net.Sockets;
using Ballast.Guests;
using Ballast.Tests.Cli;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers;

/// <summary>Several connections, asked side by side.</summary>
public sealed class ConnectionGroupTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_never_answers_delays_nobody_and_has_its_own_deadline()
    {
        using PrivateDirectory directory = new();
        string path = directory.File("silent.sock");
        using Socket silent = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        silent.Bind(new UnixDomainSocketEndPoint(path));
        silent.Listen();
        FakeTimeProvider time = new();
        await using ConnectionGroup group = new(
            ["test:///default", $"qemu+unix:///system?socket={path}", "test:///fleet?domains=3"], ConnectionOptions.Default with { TimeProvider = time });

        // Nobody moves the clock until the others have answered: so they wait for no deadline.
        List<(int Member, int? Domains, ErrorCode? Error)> answers = [];
        await foreach (ConnectionAnswer<int> answer in group.AskEachAsync(CountAsync, Token))
        {
            answers.Add((group.Members.ToList().IndexOf(answer.Member), answer.Error is null ? answer.Value : null, answer.Error?.Code));
            if (answers.Count == 2)
                time.Advance(Patience);
        }

        Assert.Equal([(0, 1, null), (2, 3, null)], answers[..2].Order());
        Assert.Equal((1, null, ErrorCode.OperationTimeout), answers[2]);
        Assert.Equal([true, false, true], group.Members.Select(member => member.Connection is not null));
    }

    [Fact]
    public async Task Each_ones_error_is_its_own_and_answers_are_in_order()
    {
        await using ConnectionGroup group = new(["test:///nosuch/file", "test:///default", "bogus:///x"]);
        IReadOnlyList<ConnectionAnswer<int>> answers = await group.AskAsync(CountAsync, Token);
        Assert.Equal([false, true, false], answers.Select(answer => answer.Error is null));
        Assert.Equal(1, answers[1].Value);
        Assert.Equal(group.Members, answers.Select(answer => answer.Member));
    }

    [Fact]
    public async Task A_question_that_blocks_its_thread_and_ignores_its_deadline_is_left_alone()
    {
        FakeTimeProvider time = new();
        using ManualResetEventSlim release = new();
        await using ConnectionGroup group = new(["one", "two"], ConnectionOptions.Default with { TimeProvider = time }, open: Opener(new FakeDriver(), new FakeDriver()));
        List<string?> answered = [];
        await foreach (ConnectionAnswer<int> answer in group.AskEachAsync(Block, Token))
        {
            answered.Add($"{answer.Member.Uri} {answer.Error?.Code}");
            time.Advance(Patience);
        }

        Assert.Equal(["two ", "one OperationTimeout"], answered);
        release.Set();

        ValueTask<int> Block(Connection connection, CancellationToken token)
        {
            if (connection.Uri == "one")
                release.Wait(CancellationToken.None);
            return new(1);
        }
    }

    [Fact]
    public async Task What_was_lost_is_opened_again()
    {
        FakeDriver first = new(), second = new();
        await using ConnectionGroup group = new(["one"], open: Opener(first, second));
        ConnectionGroupMember member = group.Members[0];
        Assert.Null(member.Connection);
        Assert.Null((await member.AskAsync(CountAsync, Token)).Error);
        Connection before = member.Connection!;
        Assert.Null((await member.AskAsync(CountAsync, Token)).Error);
        Assert.Same(before, member.Connection);

        first.IsAlive = false;
        Assert.Null(member.Connection);
        Assert.Null((await member.AskAsync(CountAsync, Token)).Error);
        Assert.NotSame(before, member.Connection);
        await before.Closed.WaitAsync(Token);
    }

    [Fact]
    public async Task Who_asks_while_it_is_opened_waits_for_the_same_connection()
    {
        TaskCompletionSource<Connection> opened = new();
        int attempts = 0;
        await using ConnectionGroup group = new(["one"], open: (_, _, _) =>
        {
            _ = Interlocked.Increment(ref attempts);
            return new(opened.Task);
        });
        Task<ConnectionAnswer<int>>[] asking = [.. Enumerable.Range(0, 5).Select(_ => group.Members[0].AskAsync(CountAsync, Token).AsTask())];
        opened.SetResult(new Connection(new FakeDriver(), "one", ConnectionOptions.Default));
        Assert.All(await Task.WhenAll(asking), answer => Assert.Null(answer.Error));
        Assert.Equal(1, attempts);
    }

    [Fact]
    public async Task What_is_opened_too_late_is_closed_and_tried_again()
    {
        FakeTimeProvider time = new();
        TaskCompletionSource<Connection> first = new();
        Queue<Task<Connection>> coming = new([first.Task, Task.FromResult(new Connection(new FakeDriver(), "one", ConnectionOptions.Default))]);
        await using ConnectionGroup group = new(["one"], ConnectionOptions.Default with { TimeProvider = time }, open: (_, _, _) => new(coming.Dequeue()));
        Task<ConnectionAnswer<int>> asking = group.Members[0].AskAsync(CountAsync, Token).AsTask();
        time.Advance(Patience);
        Assert.Equal(ErrorCode.OperationTimeout, (await asking).Error?.Code);

        Connection late = new(new FakeDriver(), "one", ConnectionOptions.Default);
        first.SetResult(late);
        await late.Closed.WaitAsync(Token);
        ConnectionAnswer<int> again = await group.Members[0].AskAsync(CountAsync, Token);
        Assert.Null(again.Error);
    }

    [Fact]
    public async Task Closing_ends_what_is_under_way_and_cancelling_one_call_nothing_else()
    {
        TaskCompletionSource never = new();
        ConnectionGroup group = new(["one"], open: Opener(new FakeDriver()));
        using CancellationTokenSource cancel = new();
        Task<ConnectionAnswer<int>> cancelled = group.Members[0].AskAsync(WaitAsync, cancel.Token).AsTask();
        Task<ConnectionAnswer<int>> waiting = group.Members[0].AskAsync(WaitAsync, Token).AsTask();
        await cancel.CancelAsync();
        _ = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Null((await group.Members[0].AskAsync(CountAsync, Token)).Error);
        Connection connection = group.Members[0].Connection!;

        await group.DisposeAsync();
        _ = await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        _ = await Assert.ThrowsAsync<ObjectDisposedException>(async () => await group.AskAsync(CountAsync, Token));
        await connection.Closed.WaitAsync(Token);
        await group.DisposeAsync();

        async ValueTask<int> WaitAsync(Connection open, CancellationToken token)
        {
            await never.Task.WaitAsync(token);
            return 0;
        }
    }

    [Theory]
    [InlineData("fake:///?timeout=8s", 9)]
    [InlineData("fake:///?timeout=4500ms", 5.5)]
    [InlineData("fake:///?timeout=1s", 5)]
    [InlineData("fake:///?timeout=soon", 5)]
    [InlineData("no uri", 5)]
    public async Task A_uri_that_names_a_longer_deadline_has_it(string uri, double seconds)
    {
        FakeTimeProvider time = new();
        TaskCompletionSource<Connection> never = new();
        await using ConnectionGroup group = new([uri], ConnectionOptions.Default with { TimeProvider = time }, open: (_, _, _) => new(never.Task));
        Task<ConnectionAnswer<int>> asking = group.Members[0].AskAsync(CountAsync, Token).AsTask();
        time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        Assert.False(asking.IsCompleted);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(ErrorCode.OperationTimeout, (await asking).Error?.Code);
    }

    [Fact]
    public void A_deadline_is_above_zero() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConnectionGroup(["test:///default"], timeout: TimeSpan.Zero));

    private static Func<string?, ConnectionOptions, CancellationToken, ValueTask<Connection>> Opener(params FakeDriver[] drivers)
    {
        Queue<FakeDriver> coming = new(drivers);
        return (uri, options, _) =>
        {
            lock (coming)
                return new(new Connection(coming.Dequeue(), uri!, options));
        };
    }

    private static async ValueTask<int> CountAsync(Connection connection, CancellationToken token) =>
        (await connection.ListDomainsAsync(cancellationToken: token)).Count;
}
