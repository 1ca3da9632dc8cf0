using System.Buffers;
using Ballast.Drivers.Remote;
using Ballast.Fuzz.Wire;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server.Dispatch;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Integration;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Rpc;

/// <summary>Daemons that do not know what they are asked, in whatever language they say so.</summary>
[Collection(Drivers.TestDriverTests.Shared)]
public sealed class UnknownCallTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_our_program_is_missing_samples_are_derived_and_it_is_asked_once(bool isTranslated)
    {
        List<PlainLibvirt> daemons = [];
        await using ServerFixture server = await StartAsync(daemons, inner => new PlainLibvirt(inner, hasOldProgram: false, isTranslated));
        await using Connection remote = await server.ConnectAsync();
        Domain domain = (await remote.ListDomainsAsync(cancellationToken: Token))[0];
        for (int i = 0; i < 3; i++)
            Assert.NotNull((await domain.GetMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
        Assert.Equal(1, Assert.Single(daemons).BallastCalls);
        LibvirtException refused = await domain.RefreshMemoryStatsAsync(cancellationToken: Token).AsTask().FailsAsync(ErrorCode.NoSupport);
        Assert.Contains("speaks libvirt's protocol only", refused.Message, StringComparison.Ordinal);
        Assert.NotEmpty(await remote.GetAllMemoryStatsAsync(cancellationToken: Token));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_an_older_daemon_lacks_one_of_our_procedures_the_others_serve(bool isTranslated)
    {
        List<PlainLibvirt> daemons = [];
        await using ServerFixture server = await StartAsync(daemons, inner => new PlainLibvirt(inner, hasOldProgram: true, isTranslated));
        await using Connection remote = await server.ConnectAsync();
        await foreach (DomainMemorySample sample in remote.WatchMemoryStatsAsync(TimeSpan.FromHours(1), cancellationToken: Token))
        {
            Assert.Null(sample.Stats.WhyMissing(MemoryStatTag.ActualBalloon));
            break;
        }

        Domain domain = (await remote.ListDomainsAsync(cancellationToken: Token))[0];
        Assert.NotNull((await domain.RefreshMemoryStatsAsync(cancellationToken: Token)).ActualKiB);
        int before = Assert.Single(daemons).BallastCalls;
        await foreach (DomainMemorySample _ in remote.WatchMemoryStatsAsync(TimeSpan.FromHours(1), cancellationToken: Token))
            break;

        // It is not asked for the watch again, but for samples.
        Assert.InRange(Assert.Single(daemons).BallastCalls - before, 1, 3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_libvirts_program_lacks_is_not_supported(bool isTranslated)
    {
        List<PlainLibvirt> daemons = [];
        await using ServerFixture server = await StartAsync(
            daemons, inner => new PlainLibvirt(inner, hasOldProgram: false, isTranslated) { Lacking = { (int)RemoteProcedure.DomainGetAutostart } });
        await using Connection remote = await server.ConnectAsync();
        Domain domain = (await remote.ListDomainsAsync(cancellationToken: Token))[0];
        await domain.GetAutostartAsync(Token).AsTask().FailsAsync(ErrorCode.NoSupport);
        await remote.LookupByNameAsync("nobody", Token).AsTask().FailsAsync(ErrorCode.NoDomain);
    }

    [Theory]
    [InlineData(52, false, ErrorCode.NoSupport, (ErrorOrigin)19, "this function is not supported by the connection driver: virConnectNumOfNetworks")]
    [InlineData(53, false, ErrorCode.NoSupport, ErrorOrigin.Domain, "this function is not supported by the connection driver: virDomainCoreDump")]
    [InlineData(53, true, ErrorCode.OperationDenied, ErrorOrigin.Domain, "operation forbidden: read only access prevents virDomainCoreDump")]
    [InlineData(187, true, ErrorCode.NoSupport, (ErrorOrigin)35, "this function is not supported by the connection driver: virDomainSnapshotNum")]
    [InlineData(318, false, ErrorCode.Rpc, ErrorOrigin.Rpc, "unknown procedure: 318")]
    [InlineData(9999, false, ErrorCode.Rpc, ErrorOrigin.Rpc, "unknown procedure: 9999")]
    public async Task What_is_not_served_is_refused_as_by_libvirts_daemon_and_the_client_goes_on(
        int procedure, bool isReadOnly, ErrorCode code, ErrorOrigin origin, string message)
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token), isReadOnly);
        using RawClient client = await RawClient.ConnectAsync(server.SocketPath, authenticate: true, "test:///default");
        for (int i = 0; i < 2; i++)
        {
            LibvirtException error = await client.FailAsync((RemoteProcedure)procedure, "");
            Assert.Equal((code, origin, message), (error.Code, error.Origin, error.Message));
        }

        Assert.Equal("TEST", XdrReader.Read<TextReply>((await client.CallAsync(RemoteProcedure.ConnectGetType, "")).Payload).Text);
    }

    [Theory]
    [InlineData(0x20008087, 1, false, ErrorCode.NoSupport, ErrorOrigin.None, "this function is not supported by the connection driver: virDomainQemuMonitorCommand")]
    [InlineData(0x20008087, 3, true, ErrorCode.OperationDenied, ErrorOrigin.None, "operation forbidden: read only access prevents virDomainQemuAgentCommand")]
    [InlineData(0x20008087, 9, false, ErrorCode.Rpc, ErrorOrigin.Rpc, "unknown procedure: 9")]
    [InlineData(0x20008088, 1, false, ErrorCode.NoSupport, ErrorOrigin.None, "this function is not supported by the connection driver: virDomainLxcOpenNamespace")]
    [InlineData(0x20008089, 1, false, ErrorCode.Rpc, ErrorOrigin.Rpc, "Cannot find program 536903817 version 1")]
    public async Task Libvirts_programs_of_one_hypervisor_are_refused_by_the_functions_name(
        uint program, int procedure, bool isReadOnly, ErrorCode code, ErrorOrigin origin, string message)
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token), isReadOnly);
        using RawClient client = await RawClient.ConnectAsync(server.SocketPath, authenticate: true, "test:///default");
        RpcHeader header = new(program, RpcPrograms.Version, procedure, RpcType.Call, Serial: 77, RpcStatus.Ok);
        await client.SendAsync(header, "");
        LibvirtException error = RawClient.Error(await client.ReceiveAsync());
        Assert.Equal((code, origin, message), (error.Code, error.Origin, error.Message));
        Assert.Equal("TEST", XdrReader.Read<TextReply>((await client.CallAsync(RemoteProcedure.ConnectGetType, "")).Payload).Text);
    }

    [Fact]
    public async Task Before_a_client_opened_something_it_is_told_that_first()
    {
        await using ServerFixture server = ServerFixture.Start(await Connection.OpenAsync("test:///default", cancellationToken: Token));
        using RawClient client = await RawClient.ConnectAsync(server.SocketPath, authenticate: true, open: null);
        LibvirtException error = await client.FailAsync((RemoteProcedure)52, "");
        Assert.Equal((ErrorCode.InternalError, "internal error: hypervisor connection not open"), (error.Code, error.Message));
    }

    [Fact]
    public async Task Every_procedure_is_served_or_refused_by_the_name_of_a_function_of_the_library()
    {
        string[] symbols = await File.ReadAllLinesAsync(Path.Combine(NativeProgram.Sources, "symbols.txt"), Token);
        HashSet<string> functions = [.. symbols.Select(line => line.Split(' ')[0])];
        Assert.All(UnservedProcedures.Known, known => Assert.Contains(known.Function, functions));
        Assert.All(UnservedProcedures.KnownOfHypervisors, known => Assert.Contains(known.Function, functions));
        Assert.Empty(UnservedProcedures.Known.Select(known => known.Number).Intersect(RemoteProgram.Handlers.Keys));
        Assert.Contains(UnservedProcedures.Known, known => known is { Function: "virDomainCoreDump", Changes: true });
        Assert.DoesNotContain(UnservedProcedures.Known, known => known.Changes && known.Function.Contains("LookupBy", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_daemon_that_does_not_let_us_in_is_not_taken_for_one_that_lacks_something()
    {
        List<PlainLibvirt> daemons = [];
        await using ServerFixture server = await StartAsync(
            daemons, inner => new PlainLibvirt(inner, hasOldProgram: false, isTranslated: true) { Lacking = { (int)RemoteProcedure.ConnectOpen } });
        await server.ConnectAsync().AsTask().FailsAsync(ErrorCode.Rpc);
    }

    [Fact]
    public async Task Neither_an_unreadable_answer_nor_a_refusal_of_what_was_answered_before_means_that_there_is_no_program()
    {
        PipePair pipes = new();
        PipedPeer server = new(pipes.Far);
        ValueTask<RemoteLink> opening = RemoteLink.OpenAsync(new Way(pipes), "qemu:///system", new ConnectionOptions(), static (in RpcHeader _, ReadOnlySpan<byte> _) => { }, Token);
        await AnswerAsync("0000000100000000");
        for (int i = 0; i < 4; i++)
            await AnswerAsync(i == 1 ? "" : "00000000");
        await using RemoteLink link = await opening;

        await AskAsync("00", RpcStatus.Ok, ErrorCode.Rpc);
        await AskAsync("00000000", RpcStatus.Ok, null);
        ArrayBufferWriter<byte> unknown = new();
        XdrWriter.Write(unknown, RemoteError.From(RpcErrors.Bare("unbekannte Prozedur: 1")));
        await AskAsync(Convert.ToHexString(unknown.WrittenSpan), RpcStatus.Error, ErrorCode.NoSupport);
        await AskAsync("00000000", RpcStatus.Ok, null);

        async Task AskAsync(string payload, RpcStatus status, ErrorCode? error)
        {
            Task<SamplesReply?> asking = link.TrySampleAsync(BallastProcedure.Sample, new SampleArgs { Doms = [] }, changesSomething: false, Token).AsTask();
            await AnswerAsync(payload, status);
            if (error is { } code)
                _ = await asking.FailsAsync(code);
            else
                Assert.NotNull(await asking.In());
        }

        async Task AnswerAsync(string payload, RpcStatus status = RpcStatus.Ok)
        {
            RpcHeader call = Frames.Header((await server.ReceiveAsync())!);
            server.Send(Frames.Of(call with { Type = RpcType.Reply, Status = status }, Convert.FromHexString(payload)));
        }
    }

    [Fact]
    public async Task Every_procedure_of_both_programs_is_called_by_its_name()
    {
        FakeTimeProvider time = new();
        PipePair pipes = new();
        await using RpcClient client = new(pipes.Near, time);
        List<(RpcCall Call, string Name)> procedures =
        [
            .. Enum.GetValues<RemoteProcedure>().Select(procedure => ((RpcCall)procedure, procedure.ToString())),
            .. Enum.GetValues<BallastProcedure>().Select(procedure => ((RpcCall)procedure, procedure.ToString())),
            (new RpcCall(RpcPrograms.Ballast, 99), "procedure 99 of program 0x42414c4c"),
            (new RpcCall(RpcPrograms.Remote, 9999), "procedure 9999 of program 0x20008086"),
        ];
        Assert.Equal(procedures.Count, procedures.Select(procedure => procedure.Name).Distinct().Count());
        foreach ((RpcCall call, string name) in procedures)
        {
            foreach (bool changesSomething in (bool[])[false, true])
            {
                Task<Nothing> asking = client.CallAsync<Nothing, Nothing>(call, default, TimeSpan.FromSeconds(3), changesSomething, Token).AsTask();
                time.Advance(TimeSpan.FromSeconds(3));
                LibvirtException error = await asking.FailsAsync(ErrorCode.OperationTimeout);
                Assert.Equal(
                    $"Timed out during operation: the daemon did not answer {name} within 3 s{(changesSomething ? "; it may still take effect" : "")}", error.Message);
            }
        }
    }

    private static async Task<ServerFixture> StartAsync(List<PlainLibvirt> daemons, Func<IRpcSession, PlainLibvirt> wrap) => ServerFixture.Start(
        await Connection.OpenAsync("test:///default", cancellationToken: Token), wrap: inner =>
        {
            daemons.Add(wrap(inner));
            return daemons[^1];
        });

    private sealed class Way(PipePair pipes) : System.IO.Pipelines.IDuplexPipe, IAsyncDisposable
    {
        public System.IO.Pipelines.PipeReader Input => pipes.Near.Input;

        public System.IO.Pipelines.PipeWriter Output => pipes.Near.Output;

        public ValueTask DisposeAsync() => default;
    }
}
