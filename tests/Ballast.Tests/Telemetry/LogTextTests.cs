using System.Reflection;
using Ballast.Rpc;
using Ballast.Rpc.Messages;
using Ballast.Telemetry;
using Ballast.Tests.Drivers.Qemu;
using Ballast.Tests.Rpc;

namespace Ballast.Tests.Telemetry;

/// <summary>What monitors, daemons and processes say comes into a log as a part of one line, whatever it is.</summary>
public sealed class LogTextTests
{
    private const int MostOfText = 4096, MostOfRest = 250;

    // A line of its own, for a journal that reads priorities and for a terminal.
    private static readonly string Hostile = string.Concat(Enumerable.Repeat("\n<2>fake line\r\u001b[2J\u009b\u2028\u202e\udc80", 300_000));

    private string? _refusal;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_text_makes_a_line_long_or_two_of_it()
    {
        using HeardLog heard = new();
        ConnectionLog log = ConnectionLog.Of(new ConnectionOptions { LoggerFactory = heard });
        MethodInfo[] lines = [.. typeof(ConnectionLog).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(method => method.GetParameters() is [var first, ..] && first.ParameterType != typeof(Microsoft.Extensions.Logging.LogLevel))];
        foreach (MethodInfo line in lines)
            line.Invoke(log, [.. line.GetParameters().Select(parameter => Argument(parameter.ParameterType))]);
        await Waiting.UntilAsync("all lines", () => heard.Lines.Count == lines.Length);
        Assert.InRange(lines.Length, 15, 100);
        Assert.All(heard.Lines, line =>
        {
            Assert.InRange(line.Text.Length, 1, (2 * MostOfText) + MostOfRest);
            AssertIsOneLine(line.Text);
        });
        Assert.InRange(heard.Lines.Count(line => line.Text.Contains(@"\x0a<2>fake line\x0d\x1b[2J\x9b\u2028\u202e\x80\x0a", StringComparison.Ordinal)), 12, 100);
    }

    [Fact]
    public async Task A_daemon_that_refuses_with_megabytes_gives_a_short_line()
    {
        using HeardLog heard = new();
        ManyDomains many = new(1);
        await using ServerFixture server = ServerFixture.Start(many.Open(), wrap: inner => new Door(this, inner));
        await using Connection connection = await server.ConnectAsync(new ConnectionOptions { Reconnect = true, LoggerFactory = heard });
        _refusal = Hostile;
        server.DropClients();

        // The first may only tell of the loss.
        for (int i = 0; i < 2; i++)
            await Assert.ThrowsAsync<LibvirtException>(async () => await connection.ListDomainsAsync(cancellationToken: Token));
        string line = await heard.HearAsync(122);
        Assert.StartsWith("Cannot connect to the daemon of ", line, StringComparison.Ordinal);
        Assert.Contains(@"\x0a<2>fake line", line, StringComparison.Ordinal);
        Assert.InRange(line.Length, 1, MostOfText + MostOfRest);
        AssertIsOneLine(line);
    }

    [Fact]
    public void A_daemons_error_is_kept_as_long_as_one_is_sent()
    {
        const int most = 64 * 1024;
        RemoteError told = new() { Code = (int)ErrorCode.AuthenticationFailed, Message = Hostile, Str1 = Hostile, Str2 = Hostile, Str3 = Hostile };
        LibvirtException error = told.ToException();
        Assert.All([error.Message, error.Str1, error.Str2, error.Str3], text => Assert.Equal(Hostile[..most], text));
        Assert.Equal("", default(RemoteError).ToException().Message);
    }

    private static void AssertIsOneLine(string text) => Assert.DoesNotContain(text, c => char.IsControl(c) || c is '\u2028' or '\u202e' or '\udc80');

    private static object? Argument(Type type) =>
        type == typeof(string) ? Hostile
        : type == typeof(Exception) ? new LibvirtException(ErrorCode.InternalError, ErrorOrigin.Qemu, Hostile)
        : Activator.CreateInstance(type);

    /// <summary>Refuses a client with its first call.</summary>
    private sealed class Door(LogTextTests test, IRpcSession inner) : IRpcSession
    {
        public bool IsAuthenticated => inner.IsAuthenticated;

        public bool TryHandle(in RpcHeader header, ReadOnlySpan<byte> arguments, RpcServerConnection client, out ValueTask answered)
        {
            if (test._refusal is { } refusal && header is { Program: RpcPrograms.Remote, Procedure: (int)RemoteProcedure.AuthList })
            {
                answered = client.ReplyErrorAsync(header, new LibvirtException(ErrorCode.AuthenticationFailed, ErrorOrigin.Rpc, refusal));
                return true;
            }

            return inner.TryHandle(header, arguments, client, out answered);
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
