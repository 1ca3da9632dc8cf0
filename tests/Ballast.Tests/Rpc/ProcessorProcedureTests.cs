using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Fakes;
using static Ballast.Tests.Rpc.RawClient;

namespace Ballast.Tests.Rpc;

/// <summary>Processors and memory parameters over the wire, at the edges that libvirt's daemon was seen to have.</summary>
public sealed class ProcessorProcedureTests : IAsyncLifetime
{
    private const string Pins = "virDomainGetVcpuPinInfo";

    private readonly FakeQmp _fake = FakeQmp.Start();
    private FakeSession _session = null!;
    private ServerFixture _server = null!;
    private RawClient _client = null!;
    private string _domain = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _fake.Guest.Cpus = 2;
        _fake.Guest.CpuSlots = 3;
        _session = await FakeSession.AtAsync(_fake);
        _server = ServerFixture.Start(_session.Connection);
        _client = await RawClient.ConnectAsync(_server.SocketPath, authenticate: true, "test:///default");
        _domain = Text(_session.Domain.Name) + _session.Domain.Uuid.ToString("N") + $"{_session.Domain.Id:x8}";
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
        await _session.DisposeAsync();
        await _fake.DisposeAsync();
    }

    [Theory]
    [InlineData(16, 8, 2)]
    [InlineData(1, 1, 1)]
    [InlineData(16384, 512, 2)]
    [InlineData(2, 0, 2)]
    [InlineData(2, 2048, 2)]
    public async Task As_many_processors_as_there_are_and_were_asked_for(int asked, int mapBytes, int expected)
    {
        VcpusReply reply = XdrReader.Read<VcpusReply>((await _client.CallAsync(RemoteProcedure.DomainGetVcpus, $"{_domain}{asked:x8}{mapBytes:x8}")).Payload);
        Assert.Equal(Enumerable.Range(0, expected).Select(number => ((uint)number, 1)), reply.Info.Select(info => (info.Number, info.State)));

        // No process can be shown to be the one behind this monitor, so that nobody knows the times: libvirt's "unavailable".
        Assert.All(reply.Info, info => Assert.Equal((0u, -2), ((uint)info.CpuTime, info.Cpu)));
        Assert.Equal(expected * mapBytes, reply.Cpumaps.Length);
    }

    [Theory]
    [InlineData(0, 1, ErrorCode.InvalidArgument, ErrorOrigin.Domain, "info in virDomainGetVcpus must not be NULL")]
    [InlineData(-1, 1, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maxinfo must be non-negative")]
    [InlineData(16, -1, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maxinfo must be non-negative")]
    [InlineData(16385, 1, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maxinfo > REMOTE_VCPUINFO_MAX")]
    [InlineData(16384, 513, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maxinfo * maplen > REMOTE_CPUMAPS_MAX")]
    [InlineData(16384, int.MaxValue, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maxinfo * maplen > REMOTE_CPUMAPS_MAX")]
    [InlineData(1, 2049, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maplen > REMOTE_CPUMAP_MAX")]
    [InlineData(1, 8388608, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maplen > REMOTE_CPUMAP_MAX")]
    public Task Processors_have_libvirts_errors(int asked, int mapBytes, ErrorCode code, ErrorOrigin origin, string message) =>
        FailsAsync(RemoteProcedure.DomainGetVcpus, $"{asked:x8}{mapBytes:x8}", code, origin, message);

    [Fact]
    public async Task Affinities_are_told_of_those_too_that_could_be_plugged()
    {
        VcpuPinInfoReply reply = XdrReader.Read<VcpuPinInfoReply>(
            (await _client.CallAsync(RemoteProcedure.DomainGetVcpuPinInfo, $"{_domain}{16:x8}{4:x8}{1:x8}")).Payload);
        Assert.Equal((3, 12), (reply.Num, reply.Cpumaps.Length));
        reply = XdrReader.Read<VcpuPinInfoReply>((await _client.CallAsync(RemoteProcedure.DomainGetVcpuPinInfo, $"{_domain}{2:x8}{4:x8}{0:x8}")).Payload);
        Assert.Equal((2, 8), (reply.Num, reply.Cpumaps.Length));
    }

    [Theory]
    [InlineData(0, 1, 0, ErrorCode.InvalidArgument, ErrorOrigin.Domain, $"ncpumaps in {Pins} must be greater than zero")]
    [InlineData(1, 0, 0, ErrorCode.InvalidArgument, ErrorOrigin.Domain, $"cpumaps in {Pins} must not be NULL")]
    [InlineData(-1, 1, 0, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: ncpumaps must be non-negative")]
    [InlineData(1, -1, 0, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maplen must be non-negative")]
    [InlineData(16385, 1, 0, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: ncpumaps > REMOTE_VCPUINFO_MAX")]
    [InlineData(16384, 513, 0, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maxinfo * maplen > REMOTE_CPUMAPS_MAX")]
    [InlineData(1, 8388608, 0, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: maplen > REMOTE_CPUMAP_MAX")]
    [InlineData(16, 1, 2, ErrorCode.OperationInvalid, ErrorOrigin.Domain, "Requested operation is not valid: transient domains do not have any persistent config")]
    [InlineData(16, 1, 3, ErrorCode.InvalidArgument, ErrorOrigin.Domain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")]
    [InlineData(16, 1, 4, ErrorCode.InvalidArgument, ErrorOrigin.Qemu, "unsupported flags (0x4) in function qemuDomainGetVcpuPinInfo")]
    public Task Affinities_have_libvirts_errors(int asked, int mapBytes, int flags, ErrorCode code, ErrorOrigin origin, string message) =>
        FailsAsync(RemoteProcedure.DomainGetVcpuPinInfo, $"{asked:x8}{mapBytes:x8}{flags:x8}", code, origin, message);

    [Theory]
    [InlineData(0, 2)]
    [InlineData(1, 2)]
    [InlineData(4, 3)]
    [InlineData(5, 3)]
    public async Task Processors_are_counted(int flags, int expected)
    {
        Assert.Equal(expected, Number(await _client.CallAsync(RemoteProcedure.DomainGetVcpusFlags, $"{_domain}{flags:x8}")));
        Assert.Equal(3, Number(await _client.CallAsync(RemoteProcedure.DomainGetMaxVcpus, _domain)));
        _fake.Guest.CpuSlots = null;
        Assert.Equal(2, Number(await _client.CallAsync(RemoteProcedure.DomainGetMaxVcpus, _domain)));
    }

    [Theory]
    [InlineData(2, ErrorCode.OperationInvalid, ErrorOrigin.Domain, "Requested operation is not valid: transient domains do not have any persistent config")]
    [InlineData(7, ErrorCode.InvalidArgument, ErrorOrigin.Domain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")]
    [InlineData(8, ErrorCode.ArgumentUnsupported, ErrorOrigin.Qemu, "argument unsupported: QEMU guest agent is not configured")]
    [InlineData(17, ErrorCode.InvalidArgument, ErrorOrigin.Qemu, "unsupported flags (0x10) in function qemuDomainGetVcpusFlags")]
    public Task Counting_has_libvirts_errors(int flags, ErrorCode code, ErrorOrigin origin, string message) =>
        FailsAsync(RemoteProcedure.DomainGetVcpusFlags, $"{flags:x8}", code, origin, message);

    [Fact]
    public async Task The_scheduler_has_a_name_and_no_parameters()
    {
        SchedulerTypeReply reply = XdrReader.Read<SchedulerTypeReply>((await _client.CallAsync(RemoteProcedure.DomainGetSchedulerType, _domain)).Payload);
        Assert.Equal(("posix", 0), (reply.Type, reply.Nparams));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Memory_parameters_are_three_also_where_the_host_does_not_tell_them(int flags)
    {
        ParametersReply reply = XdrReader.Read<ParametersReply>(
            (await _client.CallAsync(RemoteProcedure.DomainGetMemoryParameters, $"{_domain}{0:x8}{flags:x8}")).Payload);
        Assert.Equal((0, 3), (reply.Params.Length, reply.Nparams));
        await FailsAsync(RemoteProcedure.DomainGetMemoryParameters, $"{3:x8}{flags:x8}", ErrorCode.OperationInvalid, ErrorOrigin.Qemu,
            "Requested operation is not valid: cgroup memory controller is not mounted");
    }

    [Theory]
    [InlineData(17, 0, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: nparams too large")]
    [InlineData(-1, 0, ErrorCode.InternalError, ErrorOrigin.Rpc, "internal error: nparams must be non-negative")]
    [InlineData(0, 2, ErrorCode.OperationInvalid, ErrorOrigin.Domain, "Requested operation is not valid: transient domains do not have any persistent config")]
    [InlineData(0, 3, ErrorCode.InvalidArgument, ErrorOrigin.Domain, "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive")]
    [InlineData(3, 8, ErrorCode.InvalidArgument, ErrorOrigin.Qemu, "unsupported flags (0x8) in function qemuDomainGetMemoryParameters")]
    public Task Memory_parameters_have_libvirts_errors(int asked, int flags, ErrorCode code, ErrorOrigin origin, string message) =>
        FailsAsync(RemoteProcedure.DomainGetMemoryParameters, $"{asked:x8}{flags:x8}", code, origin, message);

    [Theory]
    [InlineData(0, "", 0, ErrorCode.NoDomainMetadata, "metadata not found: Requested metadata element is not present")]
    [InlineData(2, "urn:x", 1, ErrorCode.NoDomainMetadata, "metadata not found: Requested metadata element is not present")]
    [InlineData(2, "", 4, ErrorCode.InvalidArgument, "uri in virDomainGetMetadata must not be NULL")]
    [InlineData(2, "urn:x", 4, ErrorCode.InvalidArgument, "unsupported flags (0x4) in function virDomainObjGetMetadata")]
    [InlineData(7, "", 0, ErrorCode.InvalidArgument, "invalid argument: unknown metadata type '7'")]
    public Task Metadata_have_libvirts_errors(int type, string uri, int flags, ErrorCode code, string message) =>
        FailsAsync(RemoteProcedure.DomainGetMetadata,
            $"{type:x8}{(uri.Length == 0 ? "00000000" : Text(uri, isOptional: true))}{flags:x8}", code, ErrorOrigin.Domain, message);

    [Theory]
    [InlineData(0, 0, ErrorCode.InvalidArgument, ErrorOrigin.Domain, "maxCells in virNodeGetCellsFreeMemory must be greater than zero")]
    [InlineData(-1, 1, ErrorCode.InvalidArgument, ErrorOrigin.Domain, "startCell in virNodeGetCellsFreeMemory must be zero or greater")]
    [InlineData(0, -1, ErrorCode.Rpc, ErrorOrigin.Rpc, "maxcells must be non-negative")]
    [InlineData(0, 1025, ErrorCode.Rpc, ErrorOrigin.Rpc, "maxcells > REMOTE_NODE_MAX_CELLS")]
    public async Task Cells_have_libvirts_errors(int first, int count, ErrorCode code, ErrorOrigin origin, string message)
    {
        LibvirtException error = await _client.FailAsync(RemoteProcedure.NodeGetCellsFreeMemory, $"{first:x8}{count:x8}");
        Assert.Equal((code, origin, message), (error.Code, error.Origin, error.Message));
    }

    [Fact]
    public async Task A_handle_of_nobody_is_named_in_the_error()
    {
        string nobody = Text("nobody") + new string('9', 32) + "ffffffff";
        foreach ((RemoteProcedure procedure, string rest) in ((RemoteProcedure, string)[])
            [
                (RemoteProcedure.DomainGetVcpus, "0000000100000001"), (RemoteProcedure.DomainGetVcpuPinInfo, "000000010000000100000000"),
                (RemoteProcedure.DomainGetSchedulerType, ""), (RemoteProcedure.DomainGetMemoryParameters, "0000000000000000"),
                (RemoteProcedure.DomainGetMaxVcpus, ""), (RemoteProcedure.DomainGetVcpusFlags, "00000000"), (RemoteProcedure.DomainIsActive, ""),
                (RemoteProcedure.DomainIsUpdated, ""), (RemoteProcedure.DomainGetJobInfo, ""), (RemoteProcedure.DomainGetControlInfo, "00000000"),
                (RemoteProcedure.DomainGetMessages, "00000000"), (RemoteProcedure.DomainGetMetadata, "000000000000000000000000"),
            ])
        {
            LibvirtException error = await _client.FailAsync(procedure, nobody + rest);
            Assert.Equal(
                (procedure, ErrorCode.NoDomain, "Domain not found: no domain with matching uuid '99999999-9999-9999-9999-999999999999' (nobody)"),
                (procedure, error.Code, error.Message));
        }
    }

    [Fact]
    public async Task The_API_says_the_same_through_a_server()
    {
        await using Connection remote = await _server.ConnectAsync();
        Domain far = Assert.Single(await remote.ListDomainsAsync(cancellationToken: Token));
        Assert.Equal(
            (await _session.Domain.GetVirtualCpusAsync(Token)).Select(cpu => (cpu.Number, cpu.State, cpu.CpuTime, cpu.HostCpu)),
            (await far.GetVirtualCpusAsync(Token)).Select(cpu => (cpu.Number, cpu.State, cpu.CpuTime, cpu.HostCpu)));
        Assert.Equal(3, (await far.GetVirtualCpuAffinitiesAsync(cancellationToken: Token)).Count);
        Assert.Equal("posix", await far.GetSchedulerTypeAsync(Token));
        await far.GetMemoryLimitsAsync(cancellationToken: Token).AsTask().FailsAsync(ErrorCode.OperationInvalid);
        await far.GetMemoryLimitsAsync((DomainModificationImpact)3, Token).AsTask().FailsAsync(ErrorCode.InvalidArgument);
    }

    private async Task FailsAsync(RemoteProcedure procedure, string rest, ErrorCode code, ErrorOrigin origin, string message)
    {
        LibvirtException error = await _client.FailAsync(procedure, _domain + rest);
        Assert.Equal((code, origin, message), (error.Code, error.Origin, error.Message));
    }

    private static int Number((RpcHeader Header, byte[] Payload) reply) => XdrReader.Read<NumberReply>(reply.Payload).Number;
}
