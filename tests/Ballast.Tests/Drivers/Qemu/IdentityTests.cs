using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class IdentityTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_domain_is_who_its_monitor_says()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal("fake", session.Domain.Name);
        Assert.Equal(Guid.Parse(fake.Guest.Uuid), session.Domain.Uuid);
        Assert.Equal(0, session.Domain.Id); // Who listens is no QEMU.
        Assert.Equal("QEMU", session.Connection.DriverType);
    }

    [Fact]
    public async Task A_domain_is_found_by_name_and_uuid_and_by_no_id_of_who_is_no_QEMU()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        Connection connection = session.Connection;

        Assert.Equal("fake", (await connection.LookupByNameAsync("fake", Token)).Name);
        Assert.Equal("fake", (await connection.LookupByUuidAsync(session.Domain.Uuid, Token)).Name);
        Assert.Equal(
            "Domain not found: no domain with matching name 'FAKE'",
            (await connection.LookupByNameAsync("FAKE", Token).In().FailsAsync(ErrorCode.NoDomain)).Message);
        foreach (int id in (int[])[0, 1, Environment.ProcessId])
        {
            Assert.Equal(
                $"Domain not found: no domain with matching id {id}",
                (await connection.LookupByIdAsync(id, Token).In().FailsAsync(ErrorCode.NoDomain)).Message);
        }

        Assert.Equal(
            "Domain not found: no domain with matching uuid '00000000-0000-0000-0000-000000000000'",
            (await connection.LookupByUuidAsync(Guid.Empty, Token).In().FailsAsync(ErrorCode.NoDomain)).Message);
    }

    [Theory]
    [InlineData("a\tb\nc\u001b[31m\u0007\u007f")]
    [InlineData("näme with spaces 🎈")]
    [InlineData("\"quoted\\")]
    public async Task A_name_is_carried_as_it_is(string name)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Name = name;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(name, session.Domain.Name);
        Assert.Equal(name, (await session.Connection.LookupByNameAsync(name, Token)).Name);
    }

    [Fact]
    public async Task A_name_beyond_all_measure_is_cut_between_two_characters()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Name = new string('x', 4095) + "🎈" + new string('y', 100_000);
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(new string('x', 4095), session.Domain.Name);
    }

    [Theory]
    [InlineData("""{"name": ""}""")]
    [InlineData("""{"name": null}""")]
    [InlineData("""{"name": 5}""")]
    [InlineData("{}")]
    public async Task A_guest_without_a_name_is_named_after_its_socket_where_its_process_is_not_known(string json)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.On("query-name", FakeQmp.Return(json));
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Matches("^qemu-[0-9a-f]{8}$", session.Domain.Name);
    }

    [Theory]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    [InlineData("garbage")]
    [InlineData("")]
    [InlineData("6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e1")]
    [InlineData("\0")]
    public async Task A_guest_without_a_proper_uuid_gets_one_that_stays(string uuid)
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Uuid = uuid;
        await using FakeSession session = await FakeSession.AtAsync(fake);
        Guid derived = session.Domain.Uuid;
        Assert.Equal(8, derived.Version);

        await session.LoseAsync(fake);

        Assert.Equal(2, (await session.StatsAsync()).Length);
        Assert.Equal(derived, Assert.Single(await session.Connection.ListDomainsAsync(cancellationToken: Token)).Uuid);
    }

    [Fact]
    public async Task A_domain_whose_monitor_is_gone_for_good_stays_known_and_its_calls_fail_with_the_reason()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.StopListening();
        await session.LoseAsync(fake);

        Assert.Equal(2, (await session.StatsAsync().FailsAsync(ErrorCode.SystemError)).Int1);
        Assert.Equal("fake", Assert.Single(await session.Connection.ListDomainsAsync(cancellationToken: Token)).Name);
    }
}
