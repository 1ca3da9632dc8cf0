using System.IO.Pipelines;
using System.Text;
using Ballast.Drivers.Remote;
using Ballast.Fuzz.Wire;
using Ballast.Guests;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Server;
using Ballast.Server.Authentication;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Sasl;

/// <summary>The exchange in libvirt's protocol, between our two sides and with peers that do not keep to it.</summary>
[Collection(Drivers.TestDriverTests.Shared)]
public sealed class SaslWireTests : IAsyncLifetime
{
    private const string Name = "test:///default", User = "ann", Password = "correct horse";

    private static readonly ScramVerifier Verifier = ScramVerifier.Of(Password);

    private readonly FakeTimeProvider _time = new();
    private readonly List<(string? User, string? Why)> _ended = [];
    private readonly List<string> _faults = [];
    private readonly AuthenticationFailures _failures;
    private Connection _connection = null!;
    private LibvirtServer _server = null!;

    public SaslWireTests() => _failures = new AuthenticationFailures(_time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _connection = await Connection.OpenAsync(Name, cancellationToken: Token);
        _server = new LibvirtServer([(Name, _connection)], new LibvirtServerOptions());
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, null)]
    [InlineData(true, "sasl")]
    [InlineData(true, "sasl.PLAIN")]
    [InlineData(true, "sasl.SCRAM-SHA-256")]
    public async Task Who_knows_the_password_is_let_in(bool isPrivate, string? wanted)
    {
        await using RemoteLink link = await OpenAsync(User, Password, isPrivate, wanted);
        Assert.Equal("TEST", (await link.CallAsync<Nothing, TextReply>(RemoteProcedure.ConnectGetType, default, Token)).Text.ToUpperInvariant());
        Assert.Equal([(User, null)], _ended);
    }

    [Fact]
    public async Task A_password_goes_as_it_is_only_where_nobody_can_listen()
    {
        LibvirtException ours = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(User, Password, isPrivate: false, "sasl.PLAIN"));
        Assert.Equal(ErrorCode.AuthenticationUnavailable, ours.Code);
        Assert.Empty(_ended);

        await using PipedClient client = Client(isPrivate: false);
        Assert.Equal("SCRAM-SHA-256", XdrReader.Read<TextReply>((await client.CallAsync(RemoteProcedure.AuthSaslInit)).Payload).Text);
        RemoteError refused = await RefusedAsync(client, RemoteProcedure.AuthSaslStart, Start("PLAIN", $"\0{User}\0{Password}"));
        Assert.Equal("authentication failed: the mechanism is none of SCRAM-SHA-256", refused.Message);
        await client.EndedAsync();
    }

    [Theory]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("PLAIN")]
    public async Task A_wrong_password_and_an_unknown_user_are_refused_alike_and_only_a_few_times(string mechanism)
    {
        string[] tries = [User, "bob", User, "bob", User];
        Assert.Equal(AuthenticationFailures.Free, tries.Length);
        List<string> said = [];
        foreach (string user in tries)
        {
            LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(user, "wrong", isPrivate: true, $"sasl.{mechanism}"));
            Assert.Equal(ErrorCode.AuthenticationFailed, refused.Code);
            said.Add(refused.Message.Replace($"'{user}'", "NAME", StringComparison.Ordinal));
        }

        Assert.Equal(["authentication failed: the daemon does not let user NAME in: the name or the password is wrong"], said.Distinct());
        Assert.All(_ended, end => Assert.Equal((null, "the name or the password is wrong"), end));

        // Whatever the password is, and until it has waited.
        LibvirtException limit = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(User, Password, isPrivate: true, $"sasl.{mechanism}"));
        Assert.Equal((ErrorCode.AuthenticationFailed, $"authentication failed: the daemon does not let user '{User}' in: too many failures: try again in 30 s"), (limit.Code, limit.Message));
        _time.Advance(AuthenticationFailures.Interval);
        await using RemoteLink link = await OpenAsync(User, Password, isPrivate: true, $"sasl.{mechanism}");
    }

    [Theory]
    [InlineData("GSSAPI", "\0ann\0wrong")]
    [InlineData("PLAIN", "ann")]
    [InlineData("PLAIN", "\0ann\0")]
    [InlineData("PLAIN", "\0ann\0correct horse", false)]
    [InlineData("SCRAM-SHA-256", "p=tls-unique,,n=ann,r=abc")]
    [InlineData("SCRAM-SHA-256", "n,a=bob,n=ann,r=abc")]
    public async Task What_tries_no_password_is_no_failure_of_its_peer(string mechanism, string message, bool isPrivate = true)
    {
        for (int i = 0; i <= AuthenticationFailures.Free; i++)
        {
            await using PipedClient client = Client(isPrivate);
            Assert.Equal((int)ErrorCode.AuthenticationFailed, (await RefusedAsync(client, RemoteProcedure.AuthSaslStart, Start(mechanism, message))).Code);
            await client.EndedAsync();
        }

        Assert.All(_ended, end => Assert.Null(end.User));
        Assert.Equal(AuthenticationFailures.Free + 1, _ended.Count);
        await using RemoteLink link = await OpenAsync(User, Password, isPrivate, null);
    }

    [Fact]
    public async Task A_proof_of_another_exchange_is_no_failure_of_its_peer()
    {
        for (int i = 0; i <= AuthenticationFailures.Free; i++)
        {
            await using PipedClient client = Client();
            Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.AuthSaslStart, Start("SCRAM-SHA-256", "n,,n=ann,r=abc"))).Header.Status);
            SaslStepArgs step = new() { Data = SaslByte.Of("c=biws,r=abc,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts8v0X8v3Bz2T0CJGY="u8) };
            Assert.Equal("authentication failed: a message does not fit the one before", (await RefusedAsync(client, RemoteProcedure.AuthSaslStep, Encode(step))).Message);
            await client.EndedAsync();
        }

        await using RemoteLink link = await OpenAsync(User, Password, isPrivate: true, null);
    }

    [Fact]
    public async Task Nothing_is_served_before_and_no_other_way_leads_in()
    {
        await using PipedClient client = Client();
        Assert.Equal([1], XdrReader.Read<AuthListReply>((await client.CallAsync(RemoteProcedure.AuthList)).Payload).Types.Select(way => way.Type));
        foreach (RemoteProcedure procedure in (RemoteProcedure[])[RemoteProcedure.ConnectOpen, RemoteProcedure.ConnectGetLibVersion, RemoteProcedure.ConnectSupportsFeature])
            Assert.Equal("authentication required", (await RefusedAsync(client, procedure, "00000000")).Message);
        Assert.Equal((int)ErrorCode.AuthenticationFailed, (await RefusedAsync(client, RemoteProcedure.AuthPolkit)).Code);
        Assert.Equal("authentication required", (await RefusedAsync(client, RemoteProcedure.ConnectOpen, "00000000")).Message);
    }

    [Fact]
    public async Task Where_nobody_is_asked_there_is_nothing_to_prove()
    {
        await using PipedClient client = new(_server);
        Assert.Equal((int)ErrorCode.AuthenticationFailed, (await RefusedAsync(client, RemoteProcedure.AuthSaslInit)).Code);
        Assert.Equal((int)ErrorCode.AuthenticationFailed, (await RefusedAsync(client, RemoteProcedure.AuthSaslStart, Start("PLAIN", "x"))).Code);
    }

    [Fact]
    public async Task A_client_may_send_nothing_first_and_then_its_first_message()
    {
        await using PipedClient client = Client();
        (_, byte[] payload) = await client.CallAsync(RemoteProcedure.AuthSaslStart, Encode(new SaslStartArgs { Mechanism = "PLAIN", IsNil = true, Data = [] }));
        SaslReply asked = XdrReader.Read<SaslReply>(payload);
        Assert.Equal((false, false, 0), (asked.IsComplete, asked.IsNil, asked.Data.Length));
        (_, payload) = await client.CallAsync(RemoteProcedure.AuthSaslStep, Encode(new SaslStepArgs { Data = SaslByte.Of(Encoding.UTF8.GetBytes($"\0{User}\0{Password}")) }));
        Assert.Equal((true, true), (XdrReader.Read<SaslReply>(payload).IsComplete, XdrReader.Read<SaslReply>(payload).IsNil));
        Assert.Equal(RpcStatus.Ok, (await client.CallAsync(RemoteProcedure.ConnectOpen, $"00000001{PipedClient.Text(Name)}00000000")).Header.Status);

        // Once is enough.
        Assert.Equal((int)ErrorCode.AuthenticationFailed, (await RefusedAsync(client, RemoteProcedure.AuthSaslInit)).Code);
    }

    [Fact]
    public async Task Steps_are_made_one_after_the_other()
    {
        await using PipedClient first = Client();
        Assert.Equal((int)ErrorCode.AuthenticationFailed, (await RefusedAsync(first, RemoteProcedure.AuthSaslStep, Encode(new SaslStepArgs { Data = [] }))).Code);
        await first.EndedAsync();

        await using PipedClient twice = Client();
        string start = Start("SCRAM-SHA-256", "n,,n=ann,r=abc");
        Assert.Equal(RpcStatus.Ok, (await twice.CallAsync(RemoteProcedure.AuthSaslStart, start)).Header.Status);
        Assert.Equal("authentication failed: the exchange has begun already", (await RefusedAsync(twice, RemoteProcedure.AuthSaslStart, start)).Message);
        await twice.EndedAsync();
    }

    [Fact]
    public async Task A_file_of_users_that_cannot_be_read_is_told_to_the_log_alone()
    {
        ClientAuthentication how = How(isPrivate: true) with { Find = _ => throw new IOException("/etc/x: Permission denied"), Faulted = _faults.Add };
        await using PipedClient client = new(_server, authentication: how);
        RemoteError refused = await RefusedAsync(client, RemoteProcedure.AuthSaslStart, Start("PLAIN", "\0a\0b"));
        Assert.Equal("authentication failed: the users of this daemon cannot be read; its log says why", refused.Message);
        Assert.Equal(["/etc/x: Permission denied"], _faults);
        Assert.Empty(_ended);
        Assert.Equal(TimeSpan.Zero, _failures.Wait("user 0"));
    }

    [Theory]
    [InlineData(0, "the daemon ends the exchange before it has proven that it knows the password")]
    [InlineData(1, "a message has no v where it belongs")]
    [InlineData(2, "the daemon does not know the password itself: it may be another one's")]
    [InlineData(3, "the daemon does not come to an end")]
    [InlineData(4, "the number of iterations is not from 4096 to 1000000")]
    public async Task A_daemon_that_does_not_keep_to_it_is_not_believed(int kind, string why)
    {
        PipePair pipes = new();
        Task serving = ServeWronglyAsync(new PipedPeer(pipes.Far), kind);
        LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(pipes.Near, Login(User, Password, true), kind == 3 ? "sasl.PLAIN" : null));
        Assert.Equal((ErrorCode.AuthenticationFailed, $"authentication failed: {why}"), (refused.Code, refused.Message));
        await serving;
    }

    [Fact]
    public async Task A_daemon_with_other_mechanisms_is_told_apart()
    {
        PipePair pipes = new();
        Task serving = ServeWronglyAsync(new PipedPeer(pipes.Far), kind: 5);
        LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(pipes.Near, Login(User, Password, true), null));
        Assert.Equal(ErrorCode.AuthenticationUnavailable, refused.Code);
        Assert.EndsWith("the daemon offers the SASL mechanisms 'GSSAPI,DIGEST-MD5', and Ballast has SCRAM-SHA-256 and PLAIN", refused.Message);
        await serving;
    }

    [Fact]
    public async Task Nobody_is_asked_who_cannot_answer()
    {
        PipePair pipes = new();
        Task serving = _server.ServeAsync(pipes.Near, false, 0, null, Token, authentication: How(true));
        SaslLogin silent = new("localhost", User, "/dev/null", isPrivate: true, new ConnectionOptions());
        LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(() => OpenAsync(pipes.Far, silent, null));
        Assert.Equal(ErrorCode.AuthenticationFailed, refused.Code);
        Assert.Contains("put them into an auth file", refused.Message, StringComparison.Ordinal);
        await Task.WhenAny(serving);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_question_that_is_never_answered_ends_with_the_deadline(bool blocks)
    {
        using ManualResetEventSlim asked = new(), end = new();
        ConnectionOptions options = new()
        {
            DaemonTimeout = TimeSpan.FromSeconds(1),
            AskCredential = (_, _) =>
            {
                asked.Set();
                if (blocks)
                    end.Wait(CancellationToken.None);
                return new(new TaskCompletionSource<string?>().Task);
            },
        };
        PipePair pipes = new();
        Task serving = _server.ServeAsync(pipes.Near, false, 0, null, Token, authentication: How(true));
        SaslLogin login = new("localhost", null, "/dev/null", isPrivate: true, options);
        LibvirtException late = await Assert.ThrowsAsync<LibvirtException>(() => RemoteDriver.OpenAsync(
            options, (onEvent, token) => RemoteLink.OpenAsync(new End(pipes.Far), Name, options, onEvent, token, null, login), Token).AsTask().WaitAsync(Deadline.Default, Token));
        Assert.Equal(ErrorCode.OperationTimeout, late.Code);
        Assert.True(asked.IsSet);
        end.Set();
        await Task.WhenAny(serving);
    }

    [Fact]
    public async Task The_user_of_the_URI_is_not_replaced_by_the_auth_files()
    {
        using PrivateDirectory directory = new();
        string file = directory.File("auth.conf");
        await File.WriteAllTextAsync(file, $"[credentials-x]\nauthname={User}\npassword={Password}\n[auth-libvirt-default]\ncredentials=x\n", Token);
        PipePair pipes = new();
        Task serving = _server.ServeAsync(pipes.Near, false, 0, null, Token, authentication: How(true));
        LibvirtException refused = await Assert.ThrowsAsync<LibvirtException>(
            () => OpenAsync(pipes.Far, new SaslLogin("host1", "bob", file, isPrivate: true, new ConnectionOptions()), null));
        Assert.Equal(
            (ErrorCode.AuthenticationFailed, $"authentication failed: the URI names user 'bob', and the auth file {file} user '{User}' for host1: name the same in both, or one of them only"),
            (refused.Code, refused.Message));
        await Task.WhenAny(serving);
        Assert.Empty(_ended);

        PipePair same = new();
        _ = _server.ServeAsync(same.Near, false, 0, null, Token, authentication: How(true));
        await using RemoteLink link = await OpenAsync(same.Far, new SaslLogin("host1", User, file, isPrivate: true, new ConnectionOptions()), null);
        Assert.Equal([(User, null)], _ended);
    }

    private static async Task ServeWronglyAsync(PipedPeer peer, int kind)
    {
        while (await peer.ReceiveAsync() is { } frame)
        {
            RpcHeader call = Frames.Header(frame);
            string nonce = call.Procedure == (int)RemoteProcedure.AuthSaslStart
                ? Encoding.UTF8.GetString(SaslByte.ToBytes(XdrReader.Read<SaslStartArgs>(Frames.Payload(frame)).Data)).Split("r=")[^1]
                : "";
            string first = $"r={nonce}x,s=QSXCR+Q6sek8bf92,i={(kind == 4 ? 2_000_000_000 : 4096)}";
            string payload = (RemoteProcedure)call.Procedure switch
            {
                RemoteProcedure.AuthList => Encode(new AuthListReply { Types = [new AuthType { Type = 1 }] }),
                RemoteProcedure.AuthSaslInit => Encode(new TextReply { Text = kind == 5 ? "GSSAPI,DIGEST-MD5" : "SCRAM-SHA-256,PLAIN" }),
                RemoteProcedure.AuthSaslStart when kind == 3 => Encode(new SaslReply { IsNil = true, Data = [] }),
                RemoteProcedure.AuthSaslStart => Encode(new SaslReply { IsComplete = kind == 0, Data = SaslByte.Of(Encoding.UTF8.GetBytes(first)) }),
                _ when kind == 3 => Encode(new SaslReply { IsNil = true, Data = [] }),
                _ when kind == 1 => Encode(new SaslReply { IsComplete = true, IsNil = true, Data = [] }),
                _ => Encode(new SaslReply { IsComplete = true, Data = SaslByte.Of("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="u8) }),
            };
            peer.Send(Frames.Of(call with { Type = RpcType.Reply }, Convert.FromHexString(payload)));
        }

        peer.EndOfFile();
    }

    private ClientAuthentication How(bool isPrivate) =>
        new(user => user == User ? (Verifier, true) : (ScramVerifier.Decoy([7], user), false), _failures, "user 0", isPrivate)
        {
            Ended = (user, why) => _ended.Add((user, why)),
        };

    private PipedClient Client(bool isPrivate = true) => new(_server, authentication: How(isPrivate));

    private static SaslLogin Login(string user, string password, bool isPrivate) => new(
        "localhost", null, "/dev/null", isPrivate,
        new ConnectionOptions { AskCredential = (request, _) => new(request.Kind == CredentialKind.UserName ? user : password) });

    private async Task<RemoteLink> OpenAsync(string user, string password, bool isPrivate, string? wanted)
    {
        PipePair pipes = new();
        _ = _server.ServeAsync(pipes.Near, isReadOnly: false, 0, null, Token, authentication: How(isPrivate));
        return await OpenAsync(pipes.Far, Login(user, password, isPrivate), wanted);
    }

    private static async Task<RemoteLink> OpenAsync(IDuplexPipe pipe, SaslLogin login, string? wanted) => await RemoteLink.OpenAsync(
        new End(pipe), Name, new ConnectionOptions(), static (in RpcHeader _, ReadOnlySpan<byte> _) => { }, Token, wanted, login);

    private static async Task<RemoteError> RefusedAsync(PipedClient client, RemoteProcedure procedure, string payload = "")
    {
        (RpcHeader header, byte[] answer) = await client.CallAsync(procedure, payload);
        Assert.Equal(RpcStatus.Error, header.Status);
        return XdrReader.Read<RemoteError>(answer);
    }

    private static string Start(string mechanism, string data) => Encode(new SaslStartArgs { Mechanism = mechanism, Data = SaslByte.Of(Encoding.UTF8.GetBytes(data)) });

    private static string Encode<T>(T message)
        where T : struct, IXdrMessage<T>
    {
        System.Buffers.ArrayBufferWriter<byte> bytes = new();
        XdrWriter.Write(bytes, message);
        return Convert.ToHexString(bytes.WrittenSpan);
    }

    private sealed class End(IDuplexPipe pipe) : IDuplexPipe, IAsyncDisposable
    {
        public PipeReader Input => pipe.Input;

        public PipeWriter Output => pipe.Output;

        public async ValueTask DisposeAsync() => await pipe.Output.CompleteAsync();
    }
}
