using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Security.Cryptography;
using Ballast.Transports;

namespace Ballast.Server.Tls;

/// <summary>
/// The server's side of one connection. What comes is deciphered, and what goes enciphered, on the thread that reads or writes,
/// in memory: OpenSSL never sees the socket. For one reader, and for writers in turn.
/// </summary>
[SuppressMessage("Reliability", "CA2213", Justification = "The stream below is its owner's; nobody waits for the turn by a handle.")]
internal sealed class TlsStream : AsyncStream
{
    // A record is up to 16 KiB, its head, and what the cipher adds.
    private const int RecordBytes = 16 * 1024, ReadBytes = RecordBytes + 512, WriteBytes = 4 * RecordBytes;

    private readonly Stream _below;

    // Held for each use of OpenSSL's state, and never while something is waited for.
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly SslHandle _ssl;
    private readonly nint _came, _going;
    private bool _isOpen;

    /// <exception cref="CryptographicException">There is no memory.</exception>
    public TlsStream(TlsContext context, Stream below)
    {
        _below = below;
        _ssl = context.Open(out _came, out _going);
    }

    private enum Progress
    {
        WantsMore,
        Done,
        Failed,
    }

    /// <summary>Shakes hands. What it said last is sent with what is written first.</summary>
    /// <exception cref="AuthenticationException">The client speaks something else, or gave up; OpenSSL says what it was.</exception>
    /// <exception cref="IOException">The connection has ended.</exception>
    public async ValueTask AcceptAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Progress progress = ShakeHands(out string fault);
            if (progress == Progress.Done)
                return;
            try
            {
                await SendAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (IOException) when (progress == Progress.Failed)
            {
                // It does not wait for the reason.
            }

            if (progress == Progress.Failed)
                throw new AuthenticationException(fault);
            if (!await FeedAsync(cancellationToken).ConfigureAwait(false))
                throw new IOException("the client ended the connection before the handshake was over");
        }
    }

    /// <summary>The certificates that the client showed, its own first; none: it has none.</summary>
    public unsafe List<byte[]> PeerCertificates()
    {
        List<byte[]> shown = [];
        lock (_gate)
        {
            nint own = OpenSsl.PeerCertificate(_ssl);
            if (own == 0)
                return shown;
            shown.Add(Bytes(own));
            OpenSsl.FreeCertificate(own);
            nint others = OpenSsl.PeerChain(_ssl);
            for (int i = 0, count = others == 0 ? 0 : OpenSsl.Count(others); i < count; i++)
                shown.Add(Bytes(OpenSsl.Item(others, i)));
            GC.KeepAlive(_ssl);
        }

        return shown;

        static byte[] Bytes(nint certificate)
        {
            byte[] bytes = new byte[Math.Max(0, OpenSsl.WriteCertificate(certificate, null))];
            fixed (byte* start = bytes)
            {
                byte* next = start;
                if (next != null)
                    _ = OpenSsl.WriteCertificate(certificate, &next);
            }

            return bytes;
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return HasCome() ? new(0) : _below.ReadAsync(buffer, cancellationToken);
        if (!HasCome())
            return ReadMoreAsync(Progress.WantsMore, 0, mustSend: false, buffer, cancellationToken);
        Progress progress = Take(buffer.Span, out int count, out bool mustSend);
        return progress == Progress.Done && !mustSend ? new(count) : ReadMoreAsync(progress, count, mustSend, buffer, cancellationToken);
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
                Put(next.Span);
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
            lock (_gate)
            {
                if (!_isOpen)
                    return;
                OpenSsl.ClearErrors();
                _ = OpenSsl.Shutdown(_ssl);
                _isOpen = false;
            }

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
        {
            lock (_gate)
            {
                _isOpen = false;
                _ssl.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadMoreAsync(Progress progress, int count, bool mustSend, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            // As of keys that are changed.
            if (mustSend)
                await SendAsync(cancellationToken).ConfigureAwait(false);
            if (progress == Progress.Done)
                return count;
            if (!await FeedAsync(cancellationToken).ConfigureAwait(false))
                return 0;
            progress = Take(buffer.Span, out count, out mustSend);
        }
    }

    private Progress ShakeHands(out string fault)
    {
        fault = "";
        lock (_gate)
        {
            RequireThere();
            OpenSsl.ClearErrors();
            int result = OpenSsl.ShakeHands(_ssl);
            if (result == 1)
            {
                _isOpen = true;
                return Progress.Done;
            }

            if (OpenSsl.GetError(_ssl, result) == OpenSsl.WantRead)
                return Progress.WantsMore;
            fault = OpenSsl.Words();
            return Progress.Failed;
        }
    }

    /// <summary>Deciphers what has come; nothing at the end.</summary>
    /// <exception cref="IOException">It is no TLS, or the connection has ended.</exception>
    private Progress Take(Span<byte> buffer, out int count, out bool mustSend)
    {
        lock (_gate)
        {
            RequireOpen();
            OpenSsl.ClearErrors();
            count = OpenSsl.Read(_ssl, buffer, buffer.Length);
            int error = count > 0 ? 0 : OpenSsl.GetError(_ssl, count);
            mustSend = OpenSsl.Pending(_going) > 0;
            GC.KeepAlive(_ssl);
            if (error == OpenSsl.WantRead)
                return Progress.WantsMore;
            if (error == OpenSsl.ZeroReturn)
                count = 0;
            else if (error != 0)
                throw Broken();
            return Progress.Done;
        }
    }

    private void Put(ReadOnlySpan<byte> buffer)
    {
        lock (_gate)
        {
            RequireOpen();
            OpenSsl.ClearErrors();
            if (!buffer.IsEmpty && OpenSsl.Write(_ssl, buffer, buffer.Length) != buffer.Length)
                throw Broken();
        }
    }

    private bool HasCome()
    {
        lock (_gate)
        {
            RequireOpen();
            bool hasCome = OpenSsl.Pending(_came) > 0 || OpenSsl.HasPending(_ssl) == 1;
            GC.KeepAlive(_ssl);
            return hasCome;
        }
    }

    /// <summary>Waits for more; false at the end.</summary>
    private async ValueTask<bool> FeedAsync(CancellationToken cancellationToken)
    {
        // Who waits has no buffer meanwhile.
        _ = await _below.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
        byte[] bytes = ArrayPool<byte>.Shared.Rent(ReadBytes);
        try
        {
            int count = await _below.ReadAsync(bytes, cancellationToken).ConfigureAwait(false);
            if (count == 0)
                return false;
            lock (_gate)
            {
                RequireThere();
                if (OpenSsl.WriteBuffer(_came, bytes, count) != count)
                    throw Broken();
                GC.KeepAlive(_ssl);
            }

            return true;
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
        if (TakeGoing(out int count) is not { } bytes)
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

            // Half a record may have gone: nothing that follows would be understood.
            if (!isSent)
                Break();
        }
    }

    private byte[]? TakeGoing(out int count)
    {
        lock (_gate)
        {
            RequireThere();
            count = (int)OpenSsl.Pending(_going);
            if (count == 0)
                return null;
            byte[] bytes = ArrayPool<byte>.Shared.Rent(count);
            count = OpenSsl.ReadBuffer(_going, bytes, count);
            GC.KeepAlive(_ssl);
            return bytes;
        }
    }

    private void Break()
    {
        lock (_gate)
            _isOpen = false;
    }

    // The lock is held.
    private IOException Broken()
    {
        _isOpen = false;
        return new IOException(OpenSsl.Words());
    }

    private void RequireOpen()
    {
        if (!_isOpen)
            throw new IOException("the connection has ended");
    }

    private void RequireThere()
    {
        if (_ssl.IsClosed)
            throw new IOException("the connection has ended");
    }
}
