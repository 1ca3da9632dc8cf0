using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Security.Cryptography;
using Ballast.Transports;

namespace Ballast.Server.Tls;

/// <summary>
/// The server's side of one connection. What comes is deciphered, and what goes enciphered, on the thread that reads or writes.
/// For one reader, and for writers in turn. The stream below stays its owner's.
/// </summary>
internal sealed class TlsStream : AsyncStream
{
    // Two records of at most 16 KiB, with room in a buffer of the pool's for what the cipher adds.
    private const int WriteBytes = (32 * 1024) - 512;

    // For an alert to whoever takes it.
    private static readonly TimeSpan Farewell = TimeSpan.FromMilliseconds(500);

    private readonly Stream _below;
    private readonly TlsRecords _records;
    private readonly SemaphoreSlim _sending = new(1);

    /// <exception cref="CryptographicException">There is no memory.</exception>
    public TlsStream(TlsContext context, Stream below)
    {
        _below = below;
        _records = new TlsRecords(context);
    }

    /// <summary>What the client did that ended the connection; null: nothing.</summary>
    public string? Fault => _records.Fault;

    /// <summary>Shakes hands. What it said last is sent with what is written first.</summary>
    /// <exception cref="AuthenticationException">The client speaks something else, or gave up; OpenSSL says what it was.</exception>
    /// <exception cref="IOException">The connection has ended.</exception>
    public async ValueTask AcceptAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            TlsProgress progress = _records.ShakeHands(out string fault);
            if (progress == TlsProgress.Done)
                return;
            try
            {
                await SendAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (IOException) when (progress == TlsProgress.Failed)
            {
                // It does not wait for the reason.
            }

            if (progress == TlsProgress.Failed)
                throw new AuthenticationException(fault);
            if (!await FeedAsync(cancellationToken).ConfigureAwait(false))
                throw new IOException("the client ended the connection before the handshake was over");
        }
    }

    /// <summary>The certificates that the client showed, its own first; none: it has none.</summary>
    public List<byte[]> PeerCertificates() => _records.PeerCertificates();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        bool hasCome = _records.HasCome();
        if (buffer.IsEmpty)
            return hasCome ? new(0) : _below.ReadAsync(buffer, cancellationToken);
        if (!hasCome)
            return ReadMoreAsync(TlsProgress.WantsMore, 0, mustSend: false, buffer, cancellationToken);
        TlsProgress progress = _records.Read(buffer.Span, out int count, out bool mustSend);
        return progress == TlsProgress.Done && !mustSend ? new(count) : ReadMoreAsync(progress, count, mustSend, buffer, cancellationToken);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            do
            {
                // Not all at once: it is all there twice until it is sent.
                ReadOnlyMemory<byte> next = buffer[..Math.Min(buffer.Length, WriteBytes)];
                _records.Write(next.Span);
                buffer = buffer[next.Length..];
                await SendInTurnAsync(cancellationToken).ConfigureAwait(false);
            }
            while (!buffer.IsEmpty);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Tells the client that this is the end; one that takes nothing is not waited for, and nothing is thrown.</summary>
    public async Task EndAsync(TimeSpan longest)
    {
        using CancellationTokenSource patience = new(longest);
        try
        {
            if (_records.End())
                await SendAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // It is gone, or a message to it was given up on the way.
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _records.Dispose();
        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadMoreAsync(TlsProgress progress, int count, bool mustSend, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (progress == TlsProgress.Failed)
                throw await BrokenAsync().ConfigureAwait(false);
            if (mustSend)
                await SendAsync(cancellationToken).ConfigureAwait(false);
            if (progress == TlsProgress.Done)
                return count;
            if (!await FeedAsync(cancellationToken).ConfigureAwait(false))
                throw _records.Cut();
            progress = _records.Read(buffer.Span, out count, out mustSend);
        }
    }

    /// <summary>The client is told what was wrong, as far as it listens.</summary>
    private async Task<IOException> BrokenAsync()
    {
        using CancellationTokenSource patience = new(Farewell);
        try
        {
            await SendAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // It does not listen.
        }

        return new IOException(Fault);
    }

    /// <summary>Waits for more; false at the end.</summary>
    private async ValueTask<bool> FeedAsync(CancellationToken cancellationToken)
    {
        // Who waits has no buffer meanwhile.
        _ = await _below.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(TlsRecords.FeedBytes);
        try
        {
            int count = await _below.ReadAsync(bytes.AsMemory(0, TlsRecords.FeedBytes), cancellationToken).ConfigureAwait(false);
            if (count > 0)
                _records.Feed(bytes.AsSpan(0, count));
            return count > 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await SendInTurnAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async ValueTask SendInTurnAsync(CancellationToken cancellationToken)
    {
        if (_records.TakeGoing(out int count) is not { } bytes)
            return;
        bool isSent = false;
        try
        {
            await _below.WriteAsync(bytes.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            isSent = true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);

            // Half a record may have gone.
            if (!isSent)
                _records.Break();
        }
    }
}
