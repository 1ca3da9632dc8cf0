using Ballast.Interop;
using Ballast.Rpc.Messages;
using Ballast.Sasl;

namespace Ballast.Server.Authentication;

/// <summary>One client's attempt to be let in. A client has one for each connection.</summary>
internal sealed class SaslExchange(ClientAuthentication how)
{
    private ISaslServer? _server;
    private int _isBusy;
    private bool _isOver;

    /// <summary>Who it is, once that is proven.</summary>
    public string? User { get; private set; }

    /// <summary>What a client can choose from, as the protocol lists it.</summary>
    public string Mechanisms => how.IsPrivate ? $"{ScramKeys.Mechanism},{PlainClient.Name}" : ScramKeys.Mechanism;

    /// <exception cref="LibvirtException"><see cref="ErrorCode.AuthenticationFailed"/>: nothing was proven.</exception>
    public Task<SaslReply> StartAsync(string mechanism, byte[]? response) => OneAtATimeAsync(() =>
    {
        if (_server is not null)
            throw new SaslException("the exchange has begun already");
        _server = mechanism switch
        {
            ScramKeys.Mechanism => new ScramServer(how.Find),
            PlainClient.Name when how.IsPrivate => new PlainServer(how.Find),
            _ => throw new SaslException($"the mechanism is none of {Mechanisms}"),
        };

        // Both mechanisms begin with the client: one that sent nothing yet is asked to.
        return response is null ? [] : _server.Answer(response);
    });

    /// <exception cref="LibvirtException"><see cref="ErrorCode.AuthenticationFailed"/>: nothing was proven.</exception>
    public Task<SaslReply> StepAsync(byte[]? response) => OneAtATimeAsync(
        () => (_server ?? throw new SaslException("the exchange has not begun")).Answer(response ?? []));

    private async Task<SaslReply> OneAtATimeAsync(Func<byte[]?> answer)
    {
        if (Interlocked.Exchange(ref _isBusy, 1) != 0)
            throw Failed("one step is made after the other");
        try
        {
            // To look up a user and to hash a password takes time, which a thread of the sockets does not have.
            return await Task.Run(() => Step(answer)).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _isBusy, 0);
        }
    }

    private SaslReply Step(Func<byte[]?> answer)
    {
        if (_isOver)
            throw Failed("the exchange is over");
        if (how.Failures.Wait(how.Peer) is { Ticks: > 0 } wait)
        {
            _isOver = true;
            string limit = FormattableString.Invariant($"too many failures: try again in {Math.Ceiling(wait.TotalSeconds)} s");
            how.Ended?.Invoke(null, limit);
            throw Failed(limit);
        }

        byte[]? said;
        try
        {
            SystemOpenSsl.RequireForSasl();
            said = answer();
        }
        catch (SaslException e)
        {
            _isOver = true;

            // What tried no password costs nobody of that peer a try, or it would keep out those who know theirs.
            if (e.IsGuess)
                how.Failures.Add(how.Peer);
            how.Ended?.Invoke(null, e.Message);
            throw Failed(e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // What is wrong here is not for who asks from there.
            _isOver = true;
            how.Faulted?.Invoke(e.Message);
            throw Failed("the users of this daemon cannot be read; its log says why");
        }

        if (_server?.User is { } user)
        {
            _isOver = true;
            User = user;
            how.Ended?.Invoke(user, null);
        }

        return new() { IsComplete = User is not null, IsNil = said is null, Data = SaslByte.Of(said) };
    }

    private static LibvirtException Failed(string why) => LibvirtError.Report(ErrorCode.AuthenticationFailed, ErrorOrigin.Rpc, why);
}
