using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;
using Ballast.Telemetry;

namespace Ballast.Rpc;

/// <summary>Handles one frame; the payload is only there until it returns. False: no more for now.</summary>
internal delegate bool RpcFrameHandler(in RpcHeader header, ReadOnlySpan<byte> payload);

/// <summary>Cuts what a peer sends into frames.</summary>
internal sealed class RpcFrameReader(PipeReader input, Peer peer = Peer.Daemon)
{
    // {"QM, the beginning of what a QEMU's monitor says first.
    private const uint MonitorGreeting = 0x7b22514d;

    private static readonly SearchValues<byte> Printable = SearchValues.Create([.. "\r\n\t"u8, .. Enumerable.Range(' ', '~' - ' ' + 1).Select(static c => (byte)c)]);

    /// <summary>Longest frame that is taken, its length word included.</summary>
    public int MaxFrameBytes { get; set; } = RpcLimits.MaxFrameBytes;

    /// <summary>Longest frame that is taken without being asked for; of a longer one no more than this is waited for.</summary>
    public int MaxFreeBytes { get; set; } = RpcLimits.MaxFrameBytes;

    /// <summary>Whether the next frame is longer than that, and waits for <see cref="IsAdmitted"/>.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>Whether the next frame may be longer; over when it was handed out.</summary>
    public bool IsAdmitted { get; set; }

    /// <summary>Whose turn is waited for before what has come is handed over; null: nobody's.</summary>
    public IRpcShare? Share { get; init; }

    /// <summary>Called whenever something has come, be it a part of a message.</summary>
    public Action? Came { get; init; }

    /// <summary>Called before that where it had to be waited for, so that the thread that handles it was others' meanwhile.</summary>
    public Action? Waited { get; init; }

    /// <summary>Reads what has come and hands over each whole frame that it may; false at the end.</summary>
    /// <exception cref="InvalidDataException">A frame has a length that no frame can have.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> ReadAsync(RpcFrameHandler handler, CancellationToken cancellationToken)
    {
        ValueTask<ReadResult> reading = input.ReadAsync(cancellationToken);
        bool isWaitedFor = !reading.IsCompleted;
        ReadResult result = await reading.ConfigureAwait(false);
        ReadOnlySequence<byte> bytes = result.Buffer;
        if (isWaitedFor)
            Waited?.Invoke();
        Came?.Invoke();
        bool goesOn = true;
        IsHeld = false;
        if (Share is not null)
            await EnterAsync(Share, bytes.Start, cancellationToken).ConfigureAwait(false);
        try
        {
            while (goesOn && TryTake(ref bytes, out ReadOnlySequence<byte> frame))
                goesOn = Handle(frame, handler);
        }
        finally
        {
            Share?.Leave();

            // What was not looked at is there again at the next call, without waiting for more.
            input.AdvanceTo(bytes.Start, goesOn && !IsHeld ? bytes.End : bytes.Start);
        }

        return !(goesOn && !IsHeld && result.IsCompleted);
    }

    private async ValueTask EnterAsync(IRpcShare share, SequencePosition start, CancellationToken cancellationToken)
    {
        try
        {
            await share.EnterAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            input.AdvanceTo(start);
            throw;
        }
    }

    private bool TryTake(ref ReadOnlySequence<byte> bytes, out ReadOnlySequence<byte> frame)
    {
        frame = default;
        if (bytes.Length < RpcLimits.LengthBytes)
            return false;
        Span<byte> word = stackalloc byte[RpcLimits.LengthBytes];
        bytes.Slice(0, RpcLimits.LengthBytes).CopyTo(word);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(word);
        if (length == MonitorGreeting)
            throw new InvalidDataException("it is a QEMU's monitor, not a daemon: ask it as qmp:///PATH");
        if (length < RpcHeader.FrameOverhead || length > (uint)MaxFrameBytes)
        {
            throw new InvalidDataException(TextOf(bytes) is { } text
                ? $"it sent text instead of libvirt's protocol ('{text}'): another service listens there, or, over ssh, a start-up file of the shell prints it"
                : $"it sent a message of {length} bytes");
        }

        IsHeld = length > (uint)MaxFreeBytes && !IsAdmitted;
        if (IsHeld || bytes.Length < length)
            return false;
        IsAdmitted = false;
        frame = bytes.Slice(RpcLimits.LengthBytes, length - RpcLimits.LengthBytes);
        bytes = bytes.Slice(length);
        Metrics.Received(length, peer);
        return true;
    }

    /// <summary>The first line of what has come, where it begins as text does; null: it does not.</summary>
    private static string? TextOf(in ReadOnlySequence<byte> bytes)
    {
        const int longestLine = 80;
        ReadOnlySpan<byte> start = bytes.Slice(0, Math.Min(bytes.Length, longestLine)).ToArray();
        if (start[..RpcLimits.LengthBytes].ContainsAnyExcept(Printable))
            return null;
        ReadOnlySpan<byte> line = start.TrimStart("\r\n\t "u8);
        int end = line.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        return Encoding.ASCII.GetString(end < 0 ? line : line[..end]).Trim();
    }

    private static bool Handle(in ReadOnlySequence<byte> frame, RpcFrameHandler handler)
    {
        if (frame.IsSingleSegment)
            return Handle(frame.FirstSpan, handler);
        byte[] copy = ArrayPool<byte>.Shared.Rent((int)frame.Length);
        try
        {
            frame.CopyTo(copy);
            return Handle(copy.AsSpan(0, (int)frame.Length), handler);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    private static bool Handle(ReadOnlySpan<byte> frame, RpcFrameHandler handler) =>
        handler(RpcHeader.Read(frame), frame[RpcLimits.HeaderBytes..]);
}

/// <summary>Writes whole frames, one at a time.</summary>
internal sealed class RpcFrameWriter(PipeWriter output, Peer peer = Peer.Daemon) : IAsyncDisposable
{
    // A thread's, not a connection's, of which there may be thousands that are idle: nothing is awaited while it is in use.
    [ThreadStatic]
    private static MessageBuffer? _frame;

    // A longer message is written in portions: so it shows whether the peer reads, however slow its network is.
    private const int PortionBytes = 32 * 1024;

    private readonly SemaphoreSlim _turn = new(1);
    private long _portions;

    /// <summary>How many portions of messages the peer's side has taken.</summary>
    public long Portions => Volatile.Read(ref _portions);

    /// <summary>Called for each of them.</summary>
    public Action? PortionTaken { get; set; }

    /// <summary>Whether the next write begins at once.</summary>
    public bool IsFree => _turn.CurrentCount > 0;

    /// <exception cref="XdrException">The message does not fit the protocol; nothing was written.</exception>
    public ValueTask WriteAsync<T>(RpcHeader header, T message, CancellationToken cancellationToken)
        where T : struct, IXdrMessage<T> =>
        WriteAsync(header, message, cancellationToken, cancellationToken);

    /// <param name="header">The frame's.</param>
    /// <param name="message">Its payload.</param>
    /// <param name="turn">Gives up before the write begins, and only then: half a frame would spoil all that follow.</param>
    /// <param name="cancellationToken">Ends the connection's writing.</param>
    public async ValueTask WriteAsync<T>(RpcHeader header, T message, CancellationToken turn, CancellationToken cancellationToken)
        where T : struct, IXdrMessage<T>
    {
        await _turn.WaitAsync(turn).ConfigureAwait(false);
        try
        {
            MessageBuffer? longer = Encode(header, message);
            if (longer is null)
            {
                await FlushAsync(cancellationToken).ConfigureAwait(false);
                return;
            }

            foreach (ReadOnlyMemory<byte> portion in longer.Portions(PortionBytes))
            {
                output.Write(portion.Span);
                await FlushAsync(cancellationToken).ConfigureAwait(false);
                PortionTaken?.Invoke();
            }

            longer.Clear();
            _frame ??= longer;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// Waits for the write that is under way, whose token must have ended it, and takes the turn for good. It is not disposed: who
    /// gives up while it waits for one that is waits for ever.
    /// </summary>
    public async ValueTask DisposeAsync() => await _turn.WaitAsync().ConfigureAwait(false);

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        FlushResult flushed = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (flushed.IsCompleted)
            throw new IOException("the peer has closed the connection");
        Volatile.Write(ref _portions, _portions + 1);
    }

    /// <returns>Null: it is written whole; else what is to be written behind its header, and is the caller's.</returns>
    private MessageBuffer? Encode<T>(in RpcHeader header, in T message)
        where T : struct, IXdrMessage<T>
    {
        MessageBuffer frame = _frame ??= new MessageBuffer(SparePieces.Shared);
        frame.Clear();
        XdrWriter.Write(frame, message);
        int payload = frame.WrittenCount;
        if (payload > RpcLimits.MaxFrameBytes - RpcHeader.FrameOverhead)
            throw new XdrException($"the message has {payload} bytes, more than the protocol allows");
        header.Write(output.GetSpan(RpcHeader.FrameOverhead), payload);
        output.Advance(RpcHeader.FrameOverhead);
        Metrics.Sent(RpcHeader.FrameOverhead + payload, peer);
        if (payload > PortionBytes)
        {
            _frame = null;
            return frame;
        }

        frame.CopyTo(output);
        frame.Clear();
        return null;
    }
}
