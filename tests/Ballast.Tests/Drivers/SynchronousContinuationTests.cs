using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers;

/// <summary>Who allows it goes on upon the thread that received; nobody else is kept waiting by that, and nothing locks up.</summary>
public sealed class SynchronousContinuationTests
{
    private static readonly ConnectionOptions Options = new() { UnsafePreferInlineContinuations = true, Timeout = TimeSpan.FromSeconds(10) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_call_after_a_call_goes_on_from_the_answer_of_the_first()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.IsCounting = true;
        await using Connection connection = await Connection.OpenAsync(fake.Uri, Options, Token).In();
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());
        MemoryStat[] stats = new MemoryStat[16];

        ulong last = 0;
        for (int i = 0; i < 1000; i++)
        {
            int count = await domain.FillMemoryStatsAsync(stats, cancellationToken: Token).In();
            Assert.Equal(3, count);
            Assert.True(stats[0].Value > last);
            last = stats[0].Value;
        }
    }

    [Fact]
    public async Task Callers_that_share_an_answer_each_get_it_when_one_of_them_asks_on()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using Connection connection = await Connection.OpenAsync(fake.Uri, Options, Token).In();
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());

        await Task.WhenAll(Enumerable.Range(0, 64).Select(_ => Task.Run(AskAsync, Token))).In();

        async Task AskAsync()
        {
            MemoryStat[] stats = new MemoryStat[16];
            for (int i = 0; i < 50; i++)
                Assert.Equal(2, await domain.FillMemoryStatsAsync(stats, cancellationToken: Token));
        }
    }

    [Fact]
    public async Task What_is_done_with_the_records_of_all_domains_is_not_done_there()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using Connection connection = await Connection.OpenAsync(fake.Uri, Options, Token).In();

        for (int i = 0; i < 20; i++)
            Assert.NotEqual("Ballast sockets", await AskAsync(connection).In());

        static async Task<string?> AskAsync(Connection connection)
        {
            _ = await connection.GetAllDomainStatsAsync(DomainStatsGroups.Balloon, cancellationToken: CancellationToken.None).ConfigureAwait(false);
            return Thread.CurrentThread.Name;
        }
    }

    [Fact]
    public async Task Without_leave_nobody_holds_up_what_is_received()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using Connection connection = await Connection.OpenAsync(fake.Uri, Options with { UnsafePreferInlineContinuations = false }, Token).In();
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());
        using ManualResetEventSlim held = new();
        Task first = Task.Run(BlockAsync, Token);
        await fake.ReceivedAsync("guest-stats");

        Assert.Equal(2, await domain.FillMemoryStatsAsync(new MemoryStat[16], cancellationToken: Token).In());
        held.Set();
        await first.In();

        async Task BlockAsync()
        {
            _ = await domain.FillMemoryStatsAsync(new MemoryStat[16], cancellationToken: Token).ConfigureAwait(false);
            held.Wait(Waiting.Limit, Token);
        }
    }
}
