using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ballast.Fuzz.Wire;
using Ballast.Server.Tls;
using Ballast.Transports;

namespace Ballast.Fuzz.Targets;

/// <summary>
/// What a client sends inside TLS once the handshake is over, on its way to the server: in any pieces, damaged, twice, mixed with what
/// is no record, or cut off. The server gets what was sent before anything happened to it, in its order, then nothing else, and takes
/// no cut for an end. The first byte of the input chooses version and pieces; the rest are steps.
/// </summary>
internal sealed class RecordTarget : FuzzTarget
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    // No outcome depends on it: each handshake has keys of its own.
    private static readonly Lazy<TlsContext> Context = new(static () =>
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        X509Certificate2 own = new CertificateRequest("CN=server", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(100));
        return TlsContext.Create(SslStreamCertificateContext.Create(own, [], offline: true));
    });

    private enum Step : byte
    {
        /// <summary>The client writes: so many bytes, or more than a record has.</summary>
        Write,

        /// <summary>Bytes of the input's come between: so many.</summary>
        Mix,

        /// <summary>A bit of the next record is another: where.</summary>
        Damage,

        /// <summary>It ends without a word.</summary>
        Cut,
        GoodBye,

        /// <summary>The server writes.</summary>
        Answer,

        /// <summary>The last record comes again.</summary>
        Repeat,

        /// <summary>The next record is lost.</summary>
        Lose,
    }

    public override string Name => "records";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
        [.. new[] { "17030300", "1503030002", "150303000201", "140303000101", "1603030000", "1703030000", "1703034000", "0303", "0100", "ffff" }.Select(Convert.FromHexString)];

    public override IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. new byte[] { 0, 1, 2, 3, 10, 13 }.SelectMany(static how => new byte[][]
        {
            [how, (byte)Step.Write, 5, (byte)Step.Answer, 9, (byte)Step.Write, byte.MaxValue, (byte)Step.GoodBye],
            [how, (byte)Step.Write, 0, (byte)Step.Write, 200, (byte)Step.Cut],
            [how, (byte)Step.Write, 3, (byte)Step.Damage, 12, (byte)Step.Write, 40, (byte)Step.Write, 40, (byte)Step.GoodBye],
            [how, (byte)Step.Write, 3, (byte)Step.Repeat, (byte)Step.Write, 4, (byte)Step.GoodBye],
            [how, (byte)Step.Write, 3, (byte)Step.Lose, (byte)Step.Write, 4, (byte)Step.Write, 5, (byte)Step.GoodBye],
            [how, (byte)Step.Write, 3, (byte)Step.Mix, 7, 0x15, 3, 3, 0, 2, 1, 0, (byte)Step.Write, 5, (byte)Step.GoodBye],
            [how, (byte)Step.Mix, 6, 0x14, 3, 3, 0, 1, 1, (byte)Step.Write, 5, (byte)Step.GoodBye],
        }),
    ];

    public override int Run(byte[] input) => input.Length == 0 ? 0 : RunAsync(input).WaitAsync(Deadline).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(byte[] input)
    {
        PipePair pipes = new();
        await using Wire wire = new(pipes.Far);
        await using SslStream client = new(wire);
        await using PieceStream below = new(pipes.Near, input[0] >> 1);
        await using TlsStream server = new(Context.Value, below);
        await ShakeHandsAsync(client, server, (input[0] & 1) == 0 ? SslProtocols.Tls12 : SslProtocols.Tls13);

        byte[] sent = await SendAsync(input.AsMemory(1), client, server, wire);
        (List<byte> got, bool hasEnded) = await ReceiveAsync(server, input[0]);
        FuzzException.Require(got.Count <= sent.Length && got.SequenceEqual(sent.Take(got.Count)), "other bytes came than were sent");
        FuzzException.Require(got.Count >= wire.Untouched, "bytes that nothing happened to were lost");
        FuzzException.Require(wire.IsMixed || got.Count == wire.Untouched, "what was damaged, lost or repeated was taken");
        FuzzException.Require(!hasEnded || (wire.HasSaidGoodBye && got.Count == sent.Length && wire.IsMixed == wire.IsTouched), "a cut was taken for an end");
        FuzzException.Require(hasEnded || wire.IsTouched || !wire.HasSaidGoodBye, "an end was taken for a cut");
        return HashCode.Combine(Math.Min(got.Count, 3), hasEnded, wire.IsTouched, wire.IsMixed);
    }

    private static async Task ShakeHandsAsync(SslStream client, TlsStream server, SslProtocols version)
    {
        Task connecting = client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "server",
            EnabledSslProtocols = version,
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
        });
        await server.AcceptAsync(CancellationToken.None);
        await server.WriteAsync(new byte[] { 1 });
        await connecting;
        await client.ReadExactlyAsync(new byte[1]);
    }

    private static async Task<byte[]> SendAsync(ReadOnlyMemory<byte> steps, SslStream client, TlsStream server, Wire wire)
    {
        // OpenSSL takes 32 empty records in a row.
        const int much = 40_000, mostEmpty = 32;
        int empty = 0;
        List<byte> sent = [];
        wire.Watches = true;
        for (int at = 0; at < steps.Length && !wire.HasSaidGoodBye;)
        {
            Step step = (Step)(steps.Span[at++] % 8);
            int number = step is Step.Write or Step.Mix or Step.Damage or Step.Answer && at < steps.Length ? steps.Span[at++] : 0;
            switch (step)
            {
                case Step.Write when number == 0 && ++empty > mostEmpty:
                    break;
                case Step.Write:
                    empty = number == 0 ? empty : 0;
                    byte[] bytes = [.. Enumerable.Range(sent.Count, number == byte.MaxValue ? much : number).Select(static i => (byte)(i * 7))];
                    sent.AddRange(bytes);
                    await client.WriteAsync(bytes);
                    if (!wire.IsTouched)
                        wire.Untouched = sent.Count;
                    break;
                case Step.Mix:
                    int count = Math.Min(number, steps.Length - at);
                    await wire.MixAsync(steps.Slice(at, count));
                    at += count;
                    break;
                case Step.Damage:
                    wire.Damages = number;
                    break;
                case Step.Cut:
                    at = steps.Length;
                    break;
                case Step.GoodBye:
                    await client.ShutdownAsync();
                    wire.HasSaidGoodBye = true;
                    at = steps.Length;
                    break;
                case Step.Answer:
                    byte[] answer = [.. Enumerable.Range(0, number).Select(static i => (byte)(i * 5))], read = new byte[number];
                    await server.WriteAsync(answer);
                    await client.ReadExactlyAsync(read);
                    FuzzException.Require(answer.AsSpan().SequenceEqual(read), "other bytes were answered than were written");
                    break;
                case Step.Repeat:
                    await wire.RepeatAsync();
                    break;
                default:
                    wire.Loses = true;
                    break;
            }
        }

        await wire.EndAsync();
        return [.. sent];
    }

    private static async Task<(List<byte> Got, bool HasEnded)> ReceiveAsync(TlsStream server, int size)
    {
        List<byte> got = [];
        byte[] buffer = new byte[1 + (size * 40)];
        try
        {
            while (true)
            {
                FuzzException.Require(await server.ReadAsync(Memory<byte>.Empty) == 0, "what was not asked for came");
                int count = await server.ReadAsync(buffer);
                if (count == 0)
                    return (got, true);
                got.AddRange(buffer.AsSpan(0, count));
            }
        }
        catch (IOException)
        {
            foreach (Func<Task> again in (Func<Task>[])[() => server.ReadAsync(buffer).AsTask(), () => server.WriteAsync(buffer).AsTask()])
            {
                try
                {
                    await again();
                    throw new FuzzException("it goes on after it broke");
                }
                catch (IOException)
                {
                    // As before.
                }
            }

            return (got, false);
        }
    }

    /// <summary>The client's end of the wire, on which things happen to records.</summary>
    private sealed class Wire(System.IO.Pipelines.IDuplexPipe end) : AsyncStream
    {
        private byte[] _last = [];

        /// <summary>Whether the handshake is over.</summary>
        public bool Watches { get; set; }

        /// <summary>Bytes of the client's that were sent before anything happened.</summary>
        public int Untouched { get; set; }

        public bool IsTouched { get; private set; }

        public bool IsMixed { get; private set; }

        public bool HasSaidGoodBye { get; set; }

        public int? Damages { get; set; }

        public bool Loses { get; set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            System.IO.Pipelines.ReadResult result = await end.Input.ReadAsync(cancellationToken);
            int count = (int)Math.Min(buffer.Length, result.Buffer.Length), at = 0;
            foreach (ReadOnlyMemory<byte> piece in result.Buffer.Slice(0, count))
            {
                piece.CopyTo(buffer[at..]);
                at += piece.Length;
            }

            end.Input.AdvanceTo(result.Buffer.GetPosition(count));
            return count;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            byte[] record = buffer.ToArray();
            if (Watches && record.Length > 0)
            {
                _last = record;
                if (Loses)
                {
                    (Loses, IsTouched, _last) = (false, true, []);
                    return;
                }

                if (Damages is { } where)
                {
                    record = [.. record];
                    record[where % record.Length] ^= (byte)(1 << (where % 8));
                    (Damages, IsTouched) = (null, true);
                }
            }

            _ = await end.Output.WriteAsync(record, cancellationToken);
        }

        public async Task MixAsync(ReadOnlyMemory<byte> bytes)
        {
            if (bytes.IsEmpty)
                return;
            IsTouched = IsMixed = true;
            _ = await end.Output.WriteAsync(bytes);
        }

        public async Task RepeatAsync()
        {
            if (_last.Length == 0)
                return;
            IsTouched = true;
            _ = await end.Output.WriteAsync(_last);
        }

        public async Task EndAsync() => await end.Output.CompleteAsync();
    }
}
