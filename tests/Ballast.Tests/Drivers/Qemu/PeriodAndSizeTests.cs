using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>What changes something: the collection period and the balloon's size.</summary>
public sealed class PeriodAndSizeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public async Task A_period_is_set_and_read(int seconds)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        await session.SetPeriodAsync(seconds);

        Assert.Equal(seconds, await session.Domain.GetPeriodAsync(Token));
        Assert.Contains(fake.Commands, command => command.Text ==
            $$$"""{"execute":"qom-set","arguments":{"path":"/machine/peripheral/balloon0","property":"guest-stats-polling-interval","value":{{{seconds}}}}}""");
    }

    [Fact]
    public async Task A_period_longer_than_libvirts_numbers_is_the_longest_of_them()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Interval = uint.MaxValue;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        Assert.Equal(int.MaxValue, await session.Domain.GetPeriodAsync(Token));
        Assert.Equal(TimeSpan.FromSeconds(uint.MaxValue), (await session.SampleAsync()).Period);
    }

    [Theory]
    [InlineData("GenericError")]
    [InlineData("CommandNotFound")]
    [InlineData("DeviceNotActive")]
    [InlineData("DeviceNotFound")]
    [InlineData("KVMMissingCap")]
    [InlineData("ClassOfTomorrow")]
    public async Task A_period_that_QEMU_refuses_is_an_invalid_operation_in_libvirts_words(string @class)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("set guest-stats-polling-interval", FakeQmp.Error(@class, "timer value is too big"));

        LibvirtException error = await session.SetPeriodAsync(3).FailsAsync(ErrorCode.OperationInvalid);

        Assert.Equal(ErrorOrigin.Qemu, error.Origin);
        Assert.Equal("Requested operation is not valid: unable to set balloon driver collection period", error.Message);
    }

    [Fact]
    public async Task Without_a_balloon_there_is_no_period()
    {
        await using FakeQmp fake = FakeQmp.Start();
        fake.Guest.Balloon = null;
        await using FakeSession session = await FakeSession.AtAsync(fake);

        LibvirtException error = await session.SetPeriodAsync(3).FailsAsync(ErrorCode.InternalError);
        Assert.Equal("internal error: No memory balloon device configured, can not set the collection period", error.Message);
        Assert.Equal(ErrorOrigin.Qemu, error.Origin);
        LibvirtException read = await session.Domain.GetPeriodAsync(Token).In().FailsAsync(ErrorCode.InternalError);
        Assert.Equal("internal error: No memory balloon device configured, so there is no collection period", read.Message);
    }

    [Theory]
    [InlineData(DomainModificationImpact.Config)]
    [InlineData(DomainModificationImpact.Config | DomainModificationImpact.Live)]
    public async Task A_transient_domain_has_no_definition_to_change(DomainModificationImpact impact)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        int commands = fake.Commands.Count;

        foreach (Task call in (Task[])
            [
                session.Domain.SetPeriodAsync(3, impact, Token).AsTask(),
                session.Domain.SetMemoryAsync(1024, impact, Token).AsTask(),
            ])
        {
            LibvirtException error = await call.FailsAsync(ErrorCode.OperationInvalid);
            Assert.Equal(ErrorOrigin.Domain, error.Origin);
            Assert.Equal("Requested operation is not valid: transient domains do not have any persistent config", error.Message);
        }

        Assert.Equal(commands, fake.Commands.Count);
    }

    [Fact]
    public async Task Unknown_flags_are_refused_in_libvirts_words()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        LibvirtException period = await session.Domain.SetPeriodAsync(3, (DomainModificationImpact)4, Token).In()
            .FailsAsync(ErrorCode.InvalidArgument);
        LibvirtException size = await session.Domain.SetMemoryAsync(3, (DomainModificationImpact)8, Token).In()
            .FailsAsync(ErrorCode.InvalidArgument);

        Assert.Equal("unsupported flags (0x4) in function qemuDomainSetMemoryStatsPeriod", period.Message);
        Assert.Equal("unsupported flags (0x8) in function qemuDomainSetMemoryFlags", size.Message);
        Assert.Equal(ErrorOrigin.Qemu, size.Origin);
    }

    [Fact]
    public async Task Live_and_current_are_the_same_for_a_domain_that_runs()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        await session.Domain.SetPeriodAsync(3, DomainModificationImpact.Live, Token);
        await session.Domain.SetPeriodAsync(4, DomainModificationImpact.Current, Token);

        Assert.Equal(4, fake.Guest.Interval);
    }

    [Fact]
    public async Task A_new_size_goes_out_in_bytes()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        await session.SetMemoryAsync(4096 * 1024);
        await session.SetMemoryAsync(1);

        Assert.Equal(
            ["""{"execute":"balloon","arguments":{"value":4294967296}}""", """{"execute":"balloon","arguments":{"value":1024}}"""],
            fake.Commands.Where(command => command.Name == "balloon").Select(command => command.Text));
    }

    [Fact]
    public async Task A_size_above_the_maximum_is_refused_before_anything_is_sent()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        LibvirtException error = await session.SetMemoryAsync((4096 * 1024) + 1).FailsAsync(ErrorCode.InvalidArgument);

        Assert.Equal("invalid argument: cannot set memory higher than max memory", error.Message);
        Assert.Equal(ErrorOrigin.Qemu, error.Origin);
        Assert.Equal(0, fake.CountOf("balloon"));
    }

    [Fact]
    public async Task A_size_that_overflows_is_refused()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);

        foreach (ulong kib in (ulong[])[9007199254740991, ulong.MaxValue])
            Assert.Equal($"numerical overflow: input too large: {kib}", (await session.SetMemoryAsync(kib).FailsAsync(ErrorCode.Overflow)).Message);
        Assert.Equal("memory in virDomainSetMemoryFlags must not be zero", (await session.SetMemoryAsync(0).FailsAsync(ErrorCode.InvalidArgument)).Message);
    }

    [Theory]
    [InlineData("DeviceNotActive", ErrorCode.OperationInvalid,
        "Requested operation is not valid: Unable to change memory of active domain without the balloon device and guest OS balloon driver")]
    [InlineData("KVMMissingCap", ErrorCode.OperationInvalid,
        "Requested operation is not valid: Unable to change memory of active domain without the balloon device and guest OS balloon driver")]
    [InlineData("GenericError", ErrorCode.InternalError, "internal error: unable to execute QEMU command 'balloon': it is so")]
    [InlineData("CommandNotFound", ErrorCode.InternalError, "internal error: unable to execute QEMU command 'balloon': it is so")]
    [InlineData("ClassOfTomorrow", ErrorCode.InternalError, "internal error: unable to execute QEMU command 'balloon': it is so")]
    public async Task A_size_that_QEMU_refuses_is_libvirts_error(string @class, ErrorCode code, string message)
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake);
        fake.On("balloon", FakeQmp.Error(@class, "it is so"));

        LibvirtException error = await session.SetMemoryAsync(1024).FailsAsync(code);

        Assert.Equal((message, ErrorOrigin.Qemu), (error.Message, error.Origin));
    }

    [Fact]
    public async Task Read_only_connections_change_nothing()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using Connection connection = await Connection.OpenAsync(fake.Uri, new() { ReadOnly = true }, Token);
        Domain domain = Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token));

        await domain.SetMemoryAsync(5, cancellationToken: Token).In().FailsAsync(ErrorCode.OperationDenied);
        await domain.SetPeriodAsync(5, cancellationToken: Token).In().FailsAsync(ErrorCode.OperationDenied);
        Assert.Equal(1, await domain.FillMemoryStatsAsync(new MemoryStat[1], cancellationToken: Token));
    }
}
