using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Guests;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Two sockets at which the same process listens, which is no QEMU: it may be a relay of two.</summary>
public sealed class SameQemuTests
{
    private const string None = "00000000-0000-0000-0000-000000000000", Some = "6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e11";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", None)]
    [InlineData("fake", None)]
    [InlineData("fake", "")]
    [InlineData("", Some)]
    [InlineData("fake", Some)]
    public async Task They_are_not_taken_for_one_whatever_they_say(string name, string uuid)
    {
        using PrivateDirectory directory = new();
        await using FakeQmp one = Start(directory, "one", name, uuid), other = Start(directory, "other", name, uuid);
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        for (int i = 0; i < 2; i++)
        {
            IReadOnlyList<Domain> domains = [];

            // One that does not greet within half a second, as on a busy machine, is not listed.
            await Deadline.UntilAsync(Deadline.Default, "both", async token =>
            {
                domains = await connection.ListDomainsAsync(cancellationToken: token);
                return domains.Count >= 2;
            }, Token);
            Assert.Equal(2, domains.Count);
            Assert.NotEqual(domains[0].Name, domains[1].Name);
            Assert.NotEqual(domains[0].Uuid, domains[1].Uuid);
            Assert.All(domains, domain => Assert.Equal(0, domain.Id));
        }
    }

    [Fact]
    public async Task The_handle_of_one_never_reaches_the_other()
    {
        using PrivateDirectory directory = new();
        await using FakeQmp one = Start(directory, "one", "fake", Some), other = Start(directory, "other", "fake", Some);
        one.Guest.ActualBytes = 11 << 20;
        other.Guest.ActualBytes = 22 << 20;
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        Domain[] domains = [.. await connection.ListDomainsAsync(cancellationToken: Token).In()];
        ulong?[] sizes = [await SizeAsync(domains[0]), await SizeAsync(domains[1])];
        Assert.Equal((ulong?[])[11 << 10, 22 << 10], sizes.Order());
        one.StopListening();
        one.Disconnect();

        int ofOne = Array.IndexOf(sizes, 11ul << 10);
        await Waiting.UntilAsync("end of one", () => !one.HasClient);
        _ = await Assert.ThrowsAsync<LibvirtException>(async () => await domains[ofOne].SetMemoryAsync(4096, cancellationToken: Token).In());
        Assert.DoesNotContain(other.Commands, command => command.Name == "balloon");
        Assert.Equal(22ul << 10, await SizeAsync(domains[1 - ofOne]));
        await Assert.ThrowsAsync<LibvirtException>(async () => await connection.LookupByIdAsync(Environment.ProcessId, Token));
    }

    [Fact]
    public async Task A_handle_never_reaches_the_one_that_answers_at_the_same_relay_later()
    {
        using PrivateDirectory directory = new();
        await using FakeQmp fake = Start(directory, "relay", "fake", Some);
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        Domain before = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());
        await before.SetMemoryAsync(4096, cancellationToken: Token).In();
        fake.Disconnect();
        await Waiting.UntilAsync("end", () => !fake.HasClient);
        int sent = Balloons();
        LibvirtException gone = await Assert.ThrowsAsync<LibvirtException>(async () =>
        {
            // The end may be seen by the first call only.
            for (int i = 0; i < 2; i++)
            {
                try
                {
                    await before.SetMemoryAsync(8192, cancellationToken: Token).In();
                }
                catch (LibvirtException e) when (e.Code == ErrorCode.SystemError)
                {
                }
            }
        });
        Assert.Equal((ErrorCode.NoDomain, sent), (gone.Code, Balloons()));
        Domain after = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());
        Assert.Equal((before.Name, before.Uuid), (after.Name, after.Uuid));
        await after.SetMemoryAsync(8192, cancellationToken: Token).In();
        Assert.Equal(sent + 1, Balloons());

        int Balloons() => fake.Commands.Count(command => command.Name == "balloon");
    }

    [Fact]
    public async Task Nor_does_a_change_that_began_with_the_one_before()
    {
        using PrivateDirectory directory = new();
        await using FakeQmp fake = Start(directory, "relay", "fake", Some);
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        Domain before = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());

        // The one before answers what is asked first, and ends; the next one answers at the same relay.
        const string first = "query-status", change = "stop";
        int client = fake.Clients;
        fake.On(change, FakeQmp.Return("{}")).On(first, async command =>
        {
            fake.Forget(first);
            await fake.SendAsync($"{{{fake.Guest.Answer(command)}}}");
            fake.Disconnect();
            return FakeQmp.Nothing;
        });
        _ = await Assert.ThrowsAsync<LibvirtException>(async () => await before.SuspendAsync(Token).In());

        // The one before may still have got it: between its answer and its end.
        Assert.Equal(0, ChangesOfNext());

        // Who asks for the one that is there now reaches it.
        await Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In()).SuspendAsync(Token).In();
        Assert.Equal(1, ChangesOfNext());

        int ChangesOfNext() => fake.Commands.Count(command => command.Key == change && command.Client > client);
    }

    [Fact]
    public async Task Nor_does_a_question_that_began_with_the_one_before()
    {
        const ulong before = 11, next = 22;
        const string change = "set guest-stats-polling-interval";
        using PrivateDirectory directory = new();
        await using FakeQmp fake = Start(directory, "relay", "fake", Some);
        fake.Guest.ActualBytes = before << 20;
        fake.Guest.Report(1_700_000_000, 5 << 20);
        int changes = 0;
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());
        Assert.Equal(before << 10, await SizeAsync(domain));

        // The one before is told to report, and ends; the next one, with a report of its own, answers at the same relay.
        fake.On(change, async command =>
        {
            await fake.SendAsync($"{{{fake.Guest.Answer(command)}}}");
            if (++changes == 2)
            {
                fake.Guest.ActualBytes = next << 20;
                fake.Guest.Report(1_700_000_001, 7 << 20);
                fake.Disconnect();
            }

            return FakeQmp.Nothing;
        });
        ulong? told = null;
        try
        {
            told = (await domain.RefreshMemoryStatsAsync(cancellationToken: Token).In()).ActualKiB;
        }
        catch (LibvirtException)
        {
        }

        Assert.Equal(2, changes);
        Assert.NotEqual(next << 10, told);
        Assert.Equal(next << 10, await SizeAsync(Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In())));
    }

    [Fact]
    public void That_nobody_could_look_proves_nothing_whatever_its_number()
    {
        Assert.True(QmpErrors.ProvesNothing(QmpErrors.NoOwnProc("/m")));
        Assert.True(QmpErrors.ProvesNothing(QmpErrors.CannotLook(LookFailure.NoProcesses)));
        Assert.True(QmpErrors.ProvesNothing(QmpErrors.CannotLook(new LookFailure(24, "/proc"))));
        Assert.False(QmpErrors.ProvesNothing(QmpErrors.NotLocated("/m", "nobody listens")));
        Assert.False(QmpErrors.ProvesNothing(QmpErrors.CannotConnect("/m", 2)));
    }

    private static async Task<ulong?> SizeAsync(Domain domain) => (await domain.GetMemoryStatsAsync(cancellationToken: Token).In()).ActualKiB;

    private static FakeQmp Start(PrivateDirectory directory, string file, string name, string uuid)
    {
        FakeQmp fake = FakeQmp.Start(path: Path.Join(directory.Path, file));
        (fake.Guest.Name, fake.Guest.Uuid) = (name, uuid);
        return fake;
    }
}
