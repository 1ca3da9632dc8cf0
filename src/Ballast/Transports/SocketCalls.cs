using System.Runtime.InteropServices;
using Ballast.Interop;

namespace Ballast.Transports;

/// <summary>Receives from a socket and sends to it, what can be at once; descriptors that come with the bytes end it.</summary>
internal sealed class SocketCalls
{
    public const int WouldBlock = 11;

    private const int Interrupted = 4;

    // MSG_DONTWAIT, MSG_NOSIGNAL: whatever the descriptor's own mode is, and the program's signals.
    private const int WithoutWaiting = 0x40, WithoutSignal = 0x4000;

    // MSG_CMSG_CLOEXEC.
    private const int CloseOnExec = 0x40000000;

    // EPROTO. Nobody who speaks our protocols hands over descriptors.
    private const int ProtocolError = 71;

    // The most descriptors of one message, 253, and what else the kernel may tell of its sender.
    private const int ControlBytes = 2048;

    // Instead of a number of bytes: descriptors came with them.
    private const int Descriptors = -2;

    private readonly SafeHandle _socket;
    private readonly UnwantedDescriptors.Refusal _refusal;
    private volatile bool _mayBringDescriptors;

    public SocketCalls(SafeHandle socket)
    {
        _socket = socket;

        // Of one that refused them before it was connected, none came.
        UnwantedDescriptors.Refusal? refused = (socket as UnixSocketHandle)?.Refusal;
        _refusal = refused ?? UnwantedDescriptors.Refuse(socket);
        _mayBringDescriptors = _refusal == UnwantedDescriptors.Refusal.Unknown || (_refusal == UnwantedDescriptors.Refusal.Set && refused is null);
    }

    /// <summary>Whether descriptors may come with the bytes.</summary>
    public bool MayBringDescriptors => _mayBringDescriptors;

    /// <returns>How many bytes were received; 0 at the end, negative for an error.</returns>
    public int Receive(Span<byte> buffer, out int errno)
    {
        while (true)
        {
            bool mayBringDescriptors = _mayBringDescriptors;
            int count = mayBringDescriptors ? ReceiveMessage(buffer) : (int)Libc.Recv(_socket, buffer, buffer.Length, WithoutWaiting);
            errno = count == Descriptors ? ProtocolError : count < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (errno == Interrupted)
                continue;

            // What came before the kernel refused them is read by now.
            if (mayBringDescriptors && _refusal == UnwantedDescriptors.Refusal.Set && (errno == WouldBlock || (errno == 0 && count < buffer.Length)))
                _mayBringDescriptors = false;
            return count;
        }
    }

    /// <returns>How many bytes there was room for; negative for an error.</returns>
    public int Send(ReadOnlySpan<byte> buffer, out int errno)
    {
        while (true)
        {
            int sent = (int)Libc.Send(_socket, buffer, buffer.Length, WithoutWaiting | WithoutSignal);
            errno = sent < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (errno == WouldBlock)
                (sent, errno) = (0, 0);
            if (errno != Interrupted)
                return sent;
        }
    }

    // Where there is no room for them the kernel drops them in this thread.
    private unsafe int ReceiveMessage(Span<byte> buffer)
    {
        byte* control = stackalloc byte[ControlBytes];
        fixed (byte* start = buffer)
        {
            Libc.MessagePart part = new() { Start = (nint)start, Length = buffer.Length };
            Libc.Message message = new() { Parts = (nint)(&part), PartCount = 1, Control = (nint)control, ControlLength = ControlBytes };
            if (UnwantedDescriptors.AreTooMany)
            {
                if (!UnwantedDescriptors.TryLook(_socket, message, out int free))
                    return Descriptors;
                if (free <= 0)
                    return free;

                // What has come since, with more of them, is left for the next look.
                part.Length = free;
            }

            int count = (int)Libc.RecvMsg(_socket, ref message, WithoutWaiting | CloseOnExec);
            return count >= 0 && UnwantedDescriptors.TryClose(new ReadOnlySpan<byte>(control, (int)message.ControlLength)) ? Descriptors : count;
        }
    }
}
