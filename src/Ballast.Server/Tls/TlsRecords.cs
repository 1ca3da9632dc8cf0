using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Ballast.Server.Tls;

/// <summary>How far a step has come.</summary>
internal enum TlsProgress
{
    /// <summary>More has to come first.</summary>
    WantsMore,
    Done,
    Failed,
}

/// <summary>
/// OpenSSL's state of one connection, and what came and is to go, in memory: OpenSSL never sees the socket. Several threads may use
/// it; none waits here for anything but another's step.
/// </summary>
internal sealed unsafe class TlsRecords : IDisposable
{
    /// <summary>As much is taken at a time: OpenSSL's buffers keep the size that they once had, and a client that is idle should cost little.</summary>
    public const int FeedBytes = 4096;

    // A change of keys computes as long as some tens of calls, and no client needs many.
    private const int FreeChanges = 32, BytesPerChange = 64 * 1024;

    private readonly Lock _gate = new();
    private readonly int[] _changesOfKeys = GC.AllocateArray<int>(1, pinned: true);
    private readonly SslHandle _ssl;
    private readonly nint _came;
    private nint _going;
    private long _dataBytes;
    private bool _isOpen;

    /// <exception cref="CryptographicException">There is no memory.</exception>
    public TlsRecords(TlsContext context) =>
        _ssl = context.Open(out _came, out _going, (int*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_changesOfKeys)));

    /// <summary>Whether something came that is not deciphered yet.</summary>
    /// <exception cref="IOException">The connection has ended.</exception>
    public bool HasCome()
    {
        lock (_gate)
        {
            RequireOpen();
            bool hasCome = OpenSsl.Pending(_came) > 0 || OpenSsl.HasPending(_ssl) == 1;
            GC.KeepAlive(_ssl);
            return hasCome;
        }
    }

    /// <summary>The next step of the handshake.</summary>
    /// <param name="fault">What was wrong, where it failed.</param>
    /// <exception cref="IOException">The connection has ended.</exception>
    public TlsProgress ShakeHands(out string fault)
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
                return TlsProgress.Done;
            }

            if (OpenSsl.GetError(_ssl, result) == OpenSsl.WantRead)
                return TlsProgress.WantsMore;
            fault = OpenSsl.Words();
            return TlsProgress.Failed;
        }
    }

    /// <summary>The certificates that the client showed, its own first; none: it has none.</summary>
    public List<byte[]> PeerCertificates()
    {
        List<byte[]> shown = [];
        lock (_gate)
        {
            RequireThere();
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

    /// <summary>Takes what came, <see cref="FeedBytes"/> at the most.</summary>
    /// <exception cref="IOException">The connection has ended.</exception>
    public void Feed(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            RequireThere();
            if (OpenSsl.WriteBuffer(_came, bytes, bytes.Length) != bytes.Length)
                throw Broken();
            GC.KeepAlive(_ssl);
        }
    }

    /// <summary>What the client did that ended the connection; null: nothing.</summary>
    public string? Fault { get; private set; }

    /// <summary>Deciphers what came. Where it is no TLS, that is the <see cref="Fault"/>, and the client should be sent what is said of it.</summary>
    /// <param name="buffer">Where it goes.</param>
    /// <param name="count">How much that was; 0 at the end.</param>
    /// <param name="mustSend">Whether there is something to send, as an answer to a change of keys.</param>
    /// <exception cref="IOException">The connection has ended.</exception>
    public TlsProgress Read(Span<byte> buffer, out int count, out bool mustSend)
    {
        lock (_gate)
        {
            RequireOpen();
            OpenSsl.ClearErrors();
            count = OpenSsl.Read(_ssl, buffer, buffer.Length);
            _dataBytes += Math.Max(count, 0);
            if (_changesOfKeys[0] > FreeChanges + (_dataBytes / BytesPerChange))
            {
                // OpenSSL has nothing against it, and makes no alert.
                mustSend = End();
                count = 0;
                Fault = "the client changes its keys again and again";
                return TlsProgress.Failed;
            }

            int error = count > 0 ? 0 : OpenSsl.GetError(_ssl, count);
            mustSend = OpenSsl.Pending(_going) > 0;
            GC.KeepAlive(_ssl);
            if (error == OpenSsl.WantRead)
                return TlsProgress.WantsMore;
            if (error == OpenSsl.ZeroReturn)
                count = 0;
            else if (error != 0)
            {
                _isOpen = false;
                Fault = OpenSsl.Words();
                return TlsProgress.Failed;
            }

            return TlsProgress.Done;
        }
    }

    /// <summary>Enciphers what is to go.</summary>
    /// <exception cref="IOException">The connection has ended.</exception>
    public void Write(ReadOnlySpan<byte> buffer)
    {
        lock (_gate)
        {
            RequireOpen();
            OpenSsl.ClearErrors();
            if (!buffer.IsEmpty && OpenSsl.Write(_ssl, buffer, buffer.Length) != buffer.Length)
                throw Broken();
        }
    }

    /// <summary>Says good-bye; false: there is nobody to say it to.</summary>
    public bool End()
    {
        lock (_gate)
        {
            if (!_isOpen)
                return false;
            _isOpen = false;
            OpenSsl.ClearErrors();
            _ = OpenSsl.Shutdown(_ssl);
            OpenSsl.ClearErrors();
            return true;
        }
    }

    /// <summary>What is to be sent, in a buffer of the shared pool's; null: nothing.</summary>
    /// <exception cref="IOException">The connection has ended.</exception>
    public byte[]? TakeGoing(out int count)
    {
        lock (_gate)
        {
            RequireThere();
            count = (int)OpenSsl.Pending(_going);
            if (count == 0)
                return null;
            byte[] bytes = ArrayPool<byte>.Shared.Rent(count);
            count = OpenSsl.ReadBuffer(_going, bytes, count);
            if (_isOpen && count > FeedBytes && OpenSsl.NewBuffer(OpenSsl.MemoryMethod()) is var smaller and not 0)
            {
                OpenSsl.SetOutput(_ssl, smaller);
                _going = smaller;
            }

            GC.KeepAlive(_ssl);
            return bytes;
        }
    }

    /// <summary>Nothing that follows would be understood.</summary>
    public void Break()
    {
        lock (_gate)
            _isOpen = false;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isOpen = false;
            _ssl.Dispose();
        }
    }

    /// <summary>What came ended, and TLS did not say so: somebody between may have cut it off.</summary>
    public IOException Cut()
    {
        Break();
        return new IOException("the connection ended without a TLS close notification");
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
