using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Guests;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Two sockets at which the same process listens, which is no QEMU: a relay of one QEMU, or of two.</summary>
public sealed class SameQemuTests
{
    private const string None = "00000000-0000-0000-0000-000000000000", Some = "6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e11";

    // A directory is looked at again after a second.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1.1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", None)]
    [InlineData("fake", None)]
    [InlineData("fake", "")]
    [InlineData("", Some)]
    public async Task Those_that_do_not_say_who_they_are_are_not_taken_for_one(string name, string uuid)
    {
        using PrivateDirectory directory = new();
        await using FakeQmp one = Start(directory, "one", name, uuid), other = Start(directory, "other", name, uuid);
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        for (int i = 0; i < 2; i++)
        {
            IReadOnlyList<Domain> domains = await connection.ListDomainsAsync(cancellationToken: Token).In();
            Assert.Equal(2, domains.Count);
            Assert.NotEqual(domains[0].Name, domains[1].Name);
            Assert.NotEqual(domains[0].Uuid, domains[1].Uuid);
        }
    }

    [Fact]
    public async Task One_that_was_seen_twice_is_not_connected_to_again_at_each_look()
    {
        using PrivateDirectory directory = new();
        await using FakeQmp one = Start(directory, "one", "fake", Some), other = Start(directory, "other", "fake", Some);
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());
        await Waiting.UntilAsync("one connection", () => one.HasClient != other.HasClient);
        for (int i = 0; i < 3; i++)
        {
            await Task.Delay(Look, Token);
            Domain same = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());
            Assert.Equal((domain.Name, domain.Uuid), (same.Name, same.Uuid));
        }

        Assert.Equal((1, 1), (one.Clients, other.Clients));
    }

    [Fact]
    public async Task One_that_was_seen_twice_is_asked_at_its_other_socket_where_the_first_is_gone()
    {
        using PrivateDirectory directory = new();
        await using FakeQmp one = Start(directory, "one", "fake", Some), other = Start(directory, "other", "fake", Some);
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());
        await Waiting.UntilAsync("one connection", () => one.HasClient != other.HasClient);
        FakeQmp first = one.HasClient ? one : other, second = one.HasClient ? other : one;
        first.StopListening();
        first.Disconnect();
        await Task.Delay(Look, Token);

        Domain same = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token).In());

        Assert.Equal((domain.Name, domain.Uuid), (same.Name, same.Uuid));
        Assert.NotNull((await domain.GetMemoryStatsAsync(cancellationToken: Token).In()).ActualKiB);
        Assert.True(second.HasClient);
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

    private static FakeQmp Start(PrivateDirectory directory, string file, string name, string uuid)
    {
        FakeQmp fake = FakeQmp.Start(path: Path.Join(directory.Path, file));
        (fake.Guest.Name, fake.Guest.Uuid) = (name, uuid);
        return fake;
    }
}
