using System.Text;
using Ballast.Rpc.Messages;
using Ballast.Sasl;
using Ballast.Server.Authentication;

namespace Ballast.Fuzz.Targets;

/// <summary>
/// What a peer can say in an exchange of SASL, to the server and to the client: nobody is let in, and no server is believed, without
/// the password; and nothing else happens. The first byte chooses the side and the mechanism, newlines end messages.
/// </summary>
internal sealed class SaslTarget : FuzzTarget
{
    // Nobody makes it of random bytes.
    private const string Password = "2c0a0f5c-6f43-4c2e-9d0c-7a7e2f7f9a11", Nonce = "fyko+d2lbbFgONRv9qkxdawL";

    private static readonly ScramVerifier Verifier = Make();

    public override string Name => "sasl";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[]
        {
            "n,,", "y,,", "p=tls-unique,,", "n,a=user,", "n=user", "r=", Nonce, "s=", "i=4096", "i=1000000", "i=4294967296", "c=biws", "c=eSws", "p=", "v=", "e=other-error",
            "m=", "=2C", "=3D", ",", "\0user\0password", "\0\0", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "QSXCR+Q6sek8bf92", "\n", "%",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    public override IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. new[]
        {
            $"\0n,,n=user,r={Nonce}\nc=biws,r={Nonce}3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts8v0X8v3Bz2T0CJGY=\n",
            "\u0001\0user\0password\n", "\u0001user\0user\0password\n",
            $"\u0002r={Nonce}3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096\nv=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=\n", $"\u0002r={Nonce}x,s=QSXC,i=4096\ne=invalid-proof\n",
            $"\u0003\nn,,n=user,r={Nonce}\nc=biws,r={Nonce}", "\u0004\nn,,n=user", "\u0005\0user\0password",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    public override int Run(byte[] input)
    {
        if (input.Length == 0)
            return 0;
        List<byte[]> messages = Split(input.AsSpan(1));
        return input[0] switch
        {
            0 => RunServer(new ScramServer(Look, Nonce), messages),
            1 => RunServer(new PlainServer(Look), messages),
            2 => RunClient(messages),
            _ => RunExchangeAsync(input[0] % 2 == 0, messages).GetAwaiter().GetResult(),
        };
    }

    private static int RunServer(ISaslServer server, List<byte[]> messages)
    {
        int answers = 0;
        foreach (byte[] message in messages)
        {
            if (!Succeeds(() => server.Answer(message), out string? why))
                return HashCode.Combine(server.GetType().Name, answers, why);
            FuzzException.Require(server.User is null, "somebody was let in without the password");
            answers++;
        }

        return HashCode.Combine(server.GetType().Name, answers);
    }

    private static int RunClient(List<byte[]> messages)
    {
        ScramClient client = new("user", Password, Nonce);
        byte[] first = client.Begin();
        int answers = 0;
        foreach (byte[] message in messages)
        {
            if (!Succeeds(() => client.Answer(message), out string? why))
                return HashCode.Combine(answers, why);
            FuzzException.Require(!client.IsComplete, "a server was believed that does not know the password");
            answers++;
        }

        return HashCode.Combine(first.Length, answers);
    }

    private static async Task<int> RunExchangeAsync(bool isPrivate, List<byte[]> messages)
    {
        SaslExchange exchange = new(new ClientAuthentication(Look, new AuthenticationFailures(TimeProvider.System), "a peer", isPrivate));
        int steps = 0;
        foreach (byte[] message in messages)
        {
            try
            {
                SaslReply reply = steps == 0
                    ? await exchange.StartAsync(message.Length % 3 == 0 ? ScramKeys.Mechanism : PlainClient.Name, message.Length == 0 ? null : message)
                    : await exchange.StepAsync(message.Length == 0 ? null : message);
                FuzzException.Require(!reply.IsComplete && exchange.User is null, "somebody was let in without the password");
                steps++;
            }
            catch (LibvirtException e)
            {
                FuzzException.Require(e.Code == ErrorCode.AuthenticationFailed, $"it failed with {e.Code}");
                return HashCode.Combine(isPrivate, steps, e.Message);
            }
        }

        return HashCode.Combine(isPrivate, steps);
    }

    private static bool Succeeds(Func<byte[]?> answer, out string? why)
    {
        try
        {
            _ = answer();
            why = null;
            return true;
        }
        catch (SaslException e)
        {
            why = e.Message;
            return false;
        }
    }

    private static List<byte[]> Split(ReadOnlySpan<byte> bytes)
    {
        const int most = 6;
        List<byte[]> messages = [];
        while (messages.Count < most)
        {
            int end = bytes.IndexOf((byte)'\n');
            messages.Add(bytes[..(end < 0 ? bytes.Length : end)].ToArray());
            if (end < 0)
                break;
            bytes = bytes[(end + 1)..];
        }

        return messages;
    }

    private static (ScramVerifier Verifier, bool IsKnown) Look(string user) =>
        user == "user" ? (Verifier, true) : (ScramVerifier.Decoy([1, 2, 3], user), false);

    private static ScramVerifier Make()
    {
        byte[] salt = [1, 2, 3, 4], salted = ScramKeys.Salt(Password, salt, ScramKeys.MinIterations);
        return new ScramVerifier(ScramKeys.MinIterations, salt, ScramKeys.StoredKey(ScramKeys.ClientKey(salted)), ScramKeys.ServerKey(salted));
    }
}
