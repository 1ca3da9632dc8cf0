using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ballast.Telemetry;
using Ballast.Transports;

namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>The bytes of one connection to a monitor: whole messages come out, whole commands go in.</summary>
internal sealed class QmpChannel : IDisposable
{
    // Most answers fit. It is the pool's while nothing has come: a host has hundreds of monitors, most of them silent.
    private const int UsualBytes = 8 * 1024;

    private readonly PolledSocket _socket;
    private readonly TimeProvider _time;
    private byte[] _buffer = [];
    private int _start;
    private int _scanned;
    private int _end;
    private JsonFramer _framer;

    // What it may still send unasked, as of that time.
    private int _credit = QmpLimits.MaxUnaskedBytesPerSecond;
    private long _creditedAt;

    /// <summary>The socket is closed with the channel.</summary>
    public QmpChannel(SafeHandle socket, TimeProvider time)
    {
        _socket = new PolledSocket(socket) { EndsWhenClosed = true };
        _time = time;
        Since = _creditedAt = time.GetTimestamp();
    }

    public SafeHandle Socket => _socket.Handle;

    /// <summary>When the connection began, by the monitor's clock.</summary>
    public long Since { get; }

    /// <summary>False where the program has closed it, as a descriptor of its own: nobody answers, and nobody tells of the end.</summary>
    public bool IsOurs => _socket.IsOurs;

    /// <summary>Takes the next whole message out of what was received; it is valid until the next call of <see cref="ReceiveAsync"/>.</summary>
    /// <exception cref="InvalidDataException">This is no JSON, or more of it than any monitor sends.</exception>
    public bool TryTakeMessage(out ReadOnlySpan<byte> message)
    {
        bool complete = _framer.TryFindEnd(_buffer.AsSpan(_scanned, _end - _scanned), out int consumed);
        _scanned += consumed;
        if (complete)
        {
            message = _buffer.AsSpan(_start, _scanned - _start);
            _start = _scanned;
            return true;
        }

        message = default;
        if (!_framer.InMessage)
            _start = _scanned;
        else if (_end - _start >= QmpLimits.MaxMessageBytes)
            throw new InvalidDataException($"it sent a message of more than {QmpLimits.MaxMessageBytes} bytes");
        return false;
    }

    /// <summary>Whether what was received and not taken begins so.</summary>
    public bool BeginsWith(ReadOnlySpan<byte> bytes) => _buffer.AsSpan(_start, _end - _start).StartsWith(bytes);

    /// <summary>What was taken last was asked for: so much of what was received counts as answers.</summary>
    public void Answered(int bytes) =>
        _credit = Math.Min(_credit + Math.Max(bytes, QmpLimits.AnswerBytes), QmpLimits.MaxUnaskedBytesPerSecond);

    /// <summary>Receives more bytes; false at the end of the stream.</summary>
    /// <exception cref="InvalidDataException">It sends without end.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_start == _end)
        {
            GiveBack();
            _ = await _socket.ReceiveAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
        }

        MakeRoom();
        int count = await _socket.ReceiveAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
        if (count == 0)
        {
            if (_start == _end)
                GiveBack();
            return false;
        }

        _end += count;
        Metrics.Received(count, Peer.Monitor);
        Charge(count);
        return true;
    }

    /// <summary>
    /// Sends commands. A monitor that does not read never keeps us waiting: commands are small, few are unanswered at a
    /// time, and what does not fit the socket's buffer ends the connection.
    /// </summary>
    public void Send(ReadOnlySpan<byte> commands)
    {
        if (_socket.Send(commands) != commands.Length)
            throw new InvalidDataException("it does not read what is sent to it");
        Metrics.Sent(commands.Length, Peer.Monitor);
    }

    public void Dispose() => _socket.Dispose();

    private void Charge(int count)
    {
        _credit -= Math.Max(count, QmpLimits.LeastPortionBytes);
        if (_credit >= 0)
            return;
        long now = _time.GetTimestamp();
        double seconds = Math.Min(_time.GetElapsedTime(_creditedAt, now).TotalSeconds, 1);
        _credit += (int)(seconds * QmpLimits.MaxUnaskedBytesPerSecond);
        _creditedAt = now;
        if (_credit < 0)
            throw new InvalidDataException($"it sends more than {QmpLimits.MaxUnaskedBytesPerSecond} unsolicited bytes a second");
    }

    private void GiveBack()
    {
        if (_buffer.Length == UsualBytes)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _start = _scanned = _end = 0;
    }

    private void MakeRoom()
    {
        if (_end < _buffer.Length)
            return;
        byte[] full = _buffer;
        byte[] target = full.Length == 0 ? ArrayPool<byte>.Shared.Rent(UsualBytes) : _start >= full.Length / 2 ? full : new byte[full.Length * 2];
        Buffer.BlockCopy(full, _start, target, 0, _end - _start);
        if (full.Length == UsualBytes && target != full)
            ArrayPool<byte>.Shared.Return(full);
        _buffer = target;
        _scanned -= _start;
        _end -= _start;
        _start = 0;
    }
}
