using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ballast.Interop;

namespace Ballast.Transports;

/// <summary>
/// A thread, or a few, that wait until a socket has something to read, and go on from there. The runtime's own
/// hands what has come to another thread, and looks up each time that a peer has read what it was sent: on a small host
/// that takes longer than the rest of a call.
/// </summary>
/// <param name="name">The threads'.</param>
/// <param name="threads">How many there are: while one is at work, another waits.</param>
/// <param name="rest">Lets one of them rest while another gets on with a crowd alone; null: all wait always.</param>
internal sealed partial class SocketPoller(string name, int threads, CrowdRest? rest = null)
{
    private const int Eintr = 4, Ebadf = 9, Eexist = 17;
    private const int CtlAdd = 1, CtlMod = 3;
    private const uint In = 1, Out = 4, Err = 8, Hup = 0x10, RdHup = 0x2000, EdgeTriggered = 1u << 31;
    private const int MaxEvents = 128;

    // How long a program's epoll that has our number by now is waited for at most, where a socket shows that not all was closed.
    private static readonly long LookEvery = Stopwatch.Frequency / 100;

    // The kernel's structure is packed on this processor alone, as on its 32-bit ancestor.
    private static readonly int KeyOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? sizeof(uint) : sizeof(ulong);
    private static readonly int EventSize = KeyOffset + sizeof(ulong);

    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<long, PolledSocket> _sockets = [];

    // Far from what programs choose: an event of another epoll shall not look like one of ours.
    private long _lastKey = Stopwatch.GetTimestamp() << 8;
    private EpollDescriptor? _poll;

    /// <summary>The process's, of one thread.</summary>
    public static SocketPoller Shared { get; } = new("Ballast sockets", 1);

    /// <summary>For who may have been called by a poller, and is about to do what others should not wait for: awaited, it goes on upon the runtime's pool.</summary>
    public static ConfiguredTaskAwaitable Leave() =>
        Task.CompletedTask.ConfigureAwait(Thread.CurrentThread.IsThreadPoolThread ? ConfigureAwaitOptions.None : ConfigureAwaitOptions.ForceYielding);

    /// <summary>From now on the socket is told each time that there is more to read, or that its peer is gone.</summary>
    /// <returns>What to remove it by.</returns>
    /// <exception cref="LibvirtException">The system refuses.</exception>
    /// <exception cref="ObjectDisposedException">It was closed.</exception>
    public long Add(PolledSocket socket, SafeHandle handle)
    {
        lock (_gate)
        {
            EpollDescriptor poll = Current();
            long key = ++_lastKey;
            _sockets[key] = socket;
            if (TryAdd(poll, key, handle, wantsRoom: false, out int errno))
                return key;
            Remove(key);
            ObjectDisposedException.ThrowIf(handle.IsClosed, socket);
            throw Refused("epoll_ctl", errno);
        }
    }

    /// <summary>The socket is told once when there is room to send: else it would be woken whenever its peer has read something.</summary>
    /// <exception cref="LibvirtException">The system refuses.</exception>
    /// <exception cref="ObjectDisposedException">It was closed; perhaps by the program, as one of its own.</exception>
    public void WaitForRoom(long key, SafeHandle handle)
    {
        lock (_gate)
        {
            if (!_sockets.TryGetValue(key, out PolledSocket? socket))
                return;
            if (!socket.IsStillOurs())
                throw new ClosedByProgramException();
            if (TryAdd(Current(), key, handle, wantsRoom: true, out int errno))
                return;
            ObjectDisposedException.ThrowIf(handle.IsClosed, socket);
            throw Refused("epoll_ctl", errno);
        }
    }

    /// <summary>It is told nothing more; the system forgets it when it is closed.</summary>
    public void Remove(long key) => _sockets.TryRemove(key, out _);

    // Within the gate. One that was added before is changed, and told of what there is already.
    private static bool TryAdd(EpollDescriptor poll, long key, SafeHandle handle, bool wantsRoom, out int errno)
    {
        Span<byte> request = stackalloc byte[EventSize];
        MemoryMarshal.Write(request, In | RdHup | EdgeTriggered | (wantsRoom ? Out : 0));
        MemoryMarshal.Write(request[KeyOffset..], key);
        errno = 0;
        try
        {
            if (Libc.EpollCtl(poll.Number, CtlAdd, handle, request) == 0)
                return true;
            errno = Marshal.GetLastPInvokeError();
            return errno == Eexist && Libc.EpollCtl(poll.Number, CtlMod, handle, request) == 0;
        }
        catch (ObjectDisposedException)
        {
            // Its owner may close it at any moment.
            errno = Ebadf;
            return false;
        }
    }

    // Within the gate. Where the program has closed the descriptor, whose number may be another epoll's by now, there is a
    // new one; whatever is left of the sockets is waited for by that.
    private EpollDescriptor Current()
    {
        if (_poll is { } poll && poll.IsOurs())
            return poll;
        _poll = null;
        EpollDescriptor made = EpollDescriptor.Start(name, threads, Run);
        _poll = made;
        TakeOver(made);
        return made;
    }

    private void TakeOver(EpollDescriptor poll)
    {
        foreach ((long key, PolledSocket socket) in _sockets)
        {
            if (!socket.IsStillOurs() || !TryAdd(poll, key, socket.Handle, socket.WantsRoom, out _))
                Lose(key, socket);
        }
    }

    // Not here: whoever goes on from there may want what the caller holds.
    private void Lose(long key, PolledSocket socket)
    {
        Remove(key);
        Unattended.Queue(static lost => lost.Readable(isLast: true), socket);
        Unattended.Queue(static lost => lost.Writable(), socket);
    }

    private void Run(EpollDescriptor poll)
    {
        // Where another thread can take the next one, none waits behind this.
        int mostEvents = threads > 1 ? 1 : MaxEvents;
        byte[] events = new byte[mostEvents * EventSize];
        CrowdRest.Share share = default;
        long lookedAt = Stopwatch.GetTimestamp();
        while (true)
        {
            int count = Libc.EpollWait(poll.Number, events, mostEvents, -1);
            if (count < 0 && Marshal.GetLastPInvokeError() != Eintr)
                break;
            long now = Stopwatch.GetTimestamp(), toldAt = 0;
            int returns = OwnDescriptor.Returns;
            for (int i = 0; i < count; i++)
            {
                ReadOnlySpan<byte> one = events.AsSpan(i * EventSize, EventSize);
                long key = MemoryMarshal.Read<long>(one[KeyOffset..]);
                if (!_sockets.TryGetValue(key, out PolledSocket? socket))
                    continue;

                // An event before it may have ended a call, and the program may have closed anything since.
                if (toldAt == 0 || OwnDescriptor.Returns == returns)
                    socket.SawEvent(toldAt = now);
                TryTell(poll, key, socket, MemoryMarshal.Read<uint>(one));
            }

            rest?.Handled(ref share);

            // The number is used again; whoever was told may have closed it since.
            if (OwnDescriptor.IsJustNow(toldAt) && Stopwatch.GetTimestamp() - lookedAt < LookEvery)
                continue;
            if (!poll.IsOurs())
                break;
            lookedAt = Stopwatch.GetTimestamp();
        }

        lock (_gate)
        {
            // Another one has begun since.
            if (_poll is not null && _poll != poll)
                return;
            try
            {
                _ = Current();
            }
            catch (Exception e)
            {
                if (e is not LibvirtException)
                    Unattended.Note(e);

                // No room for a new one: who waits shall not do so for ever.
                foreach ((long key, PolledSocket socket) in _sockets)
                    Lose(key, socket);
            }
        }
    }

    // An exception that left this thread would end the program; all other sockets wait for it too.
    private void TryTell(EpollDescriptor poll, long key, PolledSocket socket, uint happened)
    {
        try
        {
            Tell(poll, key, socket, happened);
        }
        catch (Exception e)
        {
            Unattended.Note(e);
            Lose(key, socket);
        }
    }

    private void Tell(EpollDescriptor poll, long key, PolledSocket socket, uint happened)
    {
        if (socket.WantsRoom && (happened & (Out | Hup | Err)) != 0)
        {
            lock (_gate)
            {
                if (_poll == poll && poll.IsOurs() && socket.IsStillOurs())
                    _ = TryAdd(poll, key, socket.Handle, wantsRoom: false, out _);
            }

            socket.Writable();
        }

        if ((happened & ~Out) != 0)
            socket.Readable(isLast: (happened & (RdHup | Hup | Err)) != 0);
        if ((happened & (Hup | Err)) != 0)
            socket.HungUp();
    }

    public static LibvirtException Refused(string call, int errno) =>
        LibvirtError.System(errno, ErrorOrigin.Rpc,
            $"a socket cannot be waited for ({call}: {Marshal.GetPInvokeErrorMessage(errno)}): raise the limit of open files, or fs.epoll.max_user_watches");
}
