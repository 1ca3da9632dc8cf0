using System.Diagnostics;
using Ballast.Guests;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Integration.Identity;

/// <summary>Closed means closed, an opener awaits who closes, and each has its own deadline and its own consent.</summary>
[Trait("needs", "qemu")]
[Collection(ExclusiveCollection.Name)]
public sealed class ClosingTests : IdentityTest
{
    private const int Rounds = 40;

    [Fact]
    public async Task A_directory_closed_beside_a_look_up_gives_its_monitors_back()
    {
        string directory = MakeDirectory("x");
        FakeQmp[] fakes = [.. Enumerable.Range(0, 3).Select(i => Own(FakeQmp.Start(path: $"{directory}/vm{i}.sock")))];
        await CloseBesideLookUpsAsync($"qmp://{directory}");
        foreach (FakeQmp fake in fakes)
            await fake.DisconnectedAsync();
        Assert.Contains(fakes, fake => fake.Clients > 0);
    }

    [Fact]
    public async Task The_host_closed_beside_a_look_up_gives_its_monitors_back()
    {
        string directory = MakeDirectory("x");
        string[] sockets = [.. Enumerable.Range(0, 3).Select(i => $"{directory}/q{i}.sock")];

        // Without a UUID a look-up has to ask them.
        foreach (string socket in sockets)
            _ = await StartAsync(name: null, socket);
        await CloseBesideLookUpsAsync(Host);
        foreach (string socket in sockets)
            await IsFreeAsync(socket);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(300)]
    public async Task Who_opens_a_monitor_that_is_being_closed_during_a_refresh_gets_it(int milliseconds)
    {
        await using FakeQmp fake = FakeQmp.Start();
        Connection first = await OpenAsync(fake.Uri);
        Domain domain = Assert.Single(await first.ListDomainsAsync(cancellationToken: Token));
        await domain.SetPeriodAsync(0, cancellationToken: Token);

        // To put the period back takes its time.
        fake.On("set guest-stats-polling-interval", async command =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(300), Token);
            return fake.Guest.Answer(command);
        });
        await SucceedAsync(fake.Uri, first, domain, milliseconds);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_opens_a_real_QEMU_that_is_being_closed_during_a_refresh_gets_it(bool isFound)
    {
        string socket = $"{MakeDirectory("x")}/q.sock";
        PlainQemu qemu = await StartAsync("vm", socket, Guid.NewGuid());
        string uri = isFound ? Host : $"qmp://{socket}";
        for (int i = 0; i < 5; i++)
        {
            Connection first = await OpenAsync(uri);
            Domain domain = await DomainOfAsync(first, qemu);
            await domain.SetPeriodAsync(0, cancellationToken: Token);
            await SucceedAsync(uri, first, domain, 20 * i);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_named_monitor_stays_named_whoever_finds_it_too(bool isFoundToo)
    {
        string socket = $"{MakeDirectory("x")}/q.sock";
        PlainQemu qemu = await StartAsync("vm", socket, Guid.NewGuid());
        await using Connection named = await OpenAsync($"qmp://{socket}");
        await IsReachedAsync(await DomainOfAsync(named, qemu), qemu);
        if (isFoundToo)
        {
            await using Connection host = await OpenAsync();
            _ = await SampleAsync(await DomainOfAsync(host, qemu));
        }

        // Its QEMU is started anew, and another program has it for a moment: whoever named it waits for that moment.
        await qemu.DisposeAsync();
        File.Delete(socket);
        PlainQemu next = await StartAsync("vm", socket, Guid.NewGuid());
        OracleMonitor other = await OracleMonitor.ConnectAsync(socket, cancellationToken: Token);
        Task leaving = Task.Run(async () =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), Token);
            await other.DisposeAsync();
        }, Token);
        Domain domain = await DomainOfAsync(named, next);
        MemoryStats sample = await SampleAsync(domain);
        Assert.True(sample.ActualKiB == next.MemoryKib, $"{sample.Reason}: {sample.Detail}");
        await leaving;
    }

    [Fact]
    public async Task Of_two_openers_each_has_its_own_deadline()
    {
        await using FakeQmp fake = FakeQmp.Start(greeting: null);
        Task<Connection> quick = OpenAsync($"{fake.Uri}?timeout=100ms").AsTask();
        await fake.ConnectedAsync();
        long since = Stopwatch.GetTimestamp();
        Task<Connection> patient = OpenAsync($"{fake.Uri}?timeout=60s").AsTask();
        LibvirtException late = await Assert.ThrowsAsync<LibvirtException>(() => quick);
        Assert.Equal(ErrorCode.OperationTimeout, late.Code);
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        await Task.Delay(TimeSpan.FromMilliseconds(900), Token);
        Assert.False(patient.IsCompleted);
        await fake.SendAsync(FakeQmp.Greeting);
        await using Connection connection = await patient.WaitAsync(TimeSpan.FromSeconds(10), Token);
        Assert.Equal("fake", Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token)).Name);
    }

    private static async Task CloseBesideLookUpsAsync(string uri)
    {
        for (int i = 0; i < Rounds; i++)
        {
            Connection connection = await OpenAsync(uri, TimeSpan.FromSeconds(1));
            Task looking = Task.Run(async () =>
            {
                for (int j = 0; j < 3; j++)
                {
                    Exception? error = await Record.ExceptionAsync(async () => await connection.LookupByNameAsync("nobody", Token));
                    Assert.True(error is LibvirtException or ObjectDisposedException, $"{error}");
                }
            }, Token);
            await Task.Delay(i % 20, Token);
            await connection.DisposeAsync();
            await looking;
        }
    }

    private static async Task SucceedAsync(string uri, Connection first, Domain domain, int milliseconds)
    {
        Task refresh = Record.ExceptionAsync(async () => await domain.RefreshMemoryStatsAsync(cancellationToken: Token)).AsTask();
        await Task.Delay(milliseconds, Token);
        Task closing = first.DisposeAsync().AsTask();
        await Task.Delay(1, Token);
        await using (Connection second = await OpenAsync(uri))
        {
            Domain same = Assert.Single(await second.ListDomainsAsync(cancellationToken: Token), found => found.Id == domain.Id);
            MemoryStats sample = await SampleAsync(same);
            Assert.True(sample.ActualKiB is not null, $"{sample.Reason}: {sample.Detail}");
        }

        await closing;
        await refresh;
    }
}
