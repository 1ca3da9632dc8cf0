using System.Text;
using Ballast.Guests;
using Ballast.Tests.Fakes;
using Ballast.Tests.Rpc;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Among healthy monitors one that is sick, in every way: each call that is about all shows the others, in time.</summary>
public sealed class SickMonitorTests
{
    private const string Stats = "guest-stats", Greeting = "qmp_capabilities";

    private static readonly string[] Healthy = ["vm0", "vm1", "vm2"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The ways in which a monitor is sick.</summary>
    private static readonly Dictionary<string, Action<FakeQmp>> Kinds = new()
    {
        ["does not greet"] = static fake => fake.GreetingText = null,
        ["greets and is silent"] = static fake => fake.On(Greeting, FakeQmp.Nothing),
        ["falls silent"] = static fake => fake.On(Stats, FakeQmp.Nothing),
        ["answers garbage"] = static fake => fake.On(Stats, Sends(fake, "{\"return\": }")),
        ["answers no JSON"] = static fake => fake.On(Stats, Sends(fake, "\0\x01 hello \x7f")),
        ["greets with garbage"] = static fake => fake.GreetingText = "SSH-2.0-OpenSSH_9.2\r\n",
        ["answers garbage at once"] = static fake => fake.On(Greeting, Sends(fake, "}}}}")),
        ["answers another shape"] = static fake => fake.On(Stats, FakeQmp.Return("[]")),
        ["hangs up"] = static fake => fake.On(Stats, _ => Task.Run(() =>
        {
            fake.Disconnect();
            return FakeQmp.Nothing;
        })),
        ["hangs up at once"] = static fake => fake.On(Greeting, _ => Task.Run(() =>
        {
            fake.Disconnect();
            return FakeQmp.Nothing;
        })),
        ["floods"] = static fake => fake.On(Stats, FloodAsync(fake)),
        ["floods at once"] = static fake => fake.On(Greeting, FloodAsync(fake)),
    };

    public static TheoryData<string, bool> Everywhere
    {
        get
        {
            TheoryData<string, bool> all = [];
            foreach (string kind in Kinds.Keys)
            {
                all.Add(kind, false);
                all.Add(kind, true);
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Everywhere))]
    public async Task Of_one_sick_monitor_the_others_are_shown(string kind, bool isThroughServer)
    {
        using PrivateDirectory directory = new();
        await using Herd herd = new(directory, Kinds[kind]);
        Connection direct = await Connection.OpenAsync(
            $"qmp://{directory.Path}", new ConnectionOptions { Timeout = TimeSpan.FromSeconds(1) }, Token);
        await using ServerFixture? server = isThroughServer ? ServerFixture.Start(direct) : null;
        await using Connection connection = server is null ? direct : await server.ConnectAsync();

        // Once before anybody knows it is sick, and once after.
        for (int i = 0; i < 2; i++)
        {
            IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token).AsTask().In();
            Shows(domains.Select(domain => domain.Name));
            foreach (string name in Healthy)
                Assert.Equal(name, (await connection.LookupByNameAsync(name, Token).AsTask().In()).Name);
            Shows(await connection.GetAllMemoryStatsAsync(cancellationToken: Token).AsTask().In());
            Shows(await connection.GetMemoryStatsAsync(domains, cancellationToken: Token).AsTask().In());
            Shows(await connection.GetAllDomainStatsAsync(cancellationToken: Token).AsTask().In());
            Shows(await connection.GetDomainStatsAsync(domains, DomainStatsGroups.Balloon, cancellationToken: Token).AsTask().In());
        }

        Shows(await WatchAsync(connection).In());
        await using DomainEventSubscription events = await connection.SubscribeAsync(cancellationToken: Token).AsTask().In();
    }

    private static Func<FakeCommand, Task<string?>> Sends(FakeQmp fake, string text) => async _ =>
    {
        await fake.SendRawAsync(text);
        return FakeQmp.Nothing;
    };

    private static Func<FakeCommand, Task<string?>> FloodAsync(FakeQmp fake)
    {
        byte[] space = Encoding.ASCII.GetBytes(new string(' ', 65536));
        return async _ =>
        {
            while (fake.HasClient)
                await fake.SendRawAsync(space);
            return FakeQmp.Nothing;
        };
    }

    private static void Shows(IEnumerable<string> names) => Assert.Equal(Healthy, names.Where(Healthy.Contains).Order());

    private static void Shows(IReadOnlyList<DomainMemorySample> samples)
    {
        Shows(samples.Select(sample => sample.Domain.Name));
        foreach (DomainMemorySample sample in samples)
        {
            if (Healthy.Contains(sample.Domain.Name))
                Assert.NotNull(sample.Stats.AvailableKiB);
            else
                Assert.NotEqual(MemoryStatsReason.Fresh, sample.Stats.Reason);
        }
    }

    private static void Shows(IReadOnlyList<DomainStatsRecord> records)
    {
        Shows(records.Select(record => record.Domain.Name));
        foreach (DomainStatsRecord record in records.Where(record => Healthy.Contains(record.Domain.Name)))
            Assert.Contains(record.Parameters, parameter => parameter.Field == "balloon.available");
    }

    private static async Task<IReadOnlyList<DomainMemorySample>> WatchAsync(Connection connection)
    {
        Dictionary<string, DomainMemorySample> seen = [];
        await foreach (DomainMemorySample sample in connection.WatchMemoryStatsAsync(TimeSpan.FromMilliseconds(100), cancellationToken: Token))
        {
            seen[sample.Domain.Name] = sample;
            if (Healthy.All(seen.ContainsKey))
                break;
        }

        return [.. seen.Values];
    }

    private sealed class Herd : IAsyncDisposable
    {
        private readonly List<FakeQmp> _all = [];

        public Herd(PrivateDirectory directory, Action<FakeQmp> sicken)
        {
            foreach (string name in (string[])[.. Healthy, "sick"])
            {
                FakeQmp fake = FakeQmp.Start(path: directory.File(name));
                fake.Guest.Name = name;
                fake.Guest.Uuid = Guid.NewGuid().ToString();
                fake.Guest.Reporting();
                _all.Add(fake);
            }

            sicken(_all[^1]);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (FakeQmp fake in _all)
                await fake.DisposeAsync();
        }
    }
}
