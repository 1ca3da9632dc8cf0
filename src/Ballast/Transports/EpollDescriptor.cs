using System.Runtime.InteropServices;
using Ballast.Interop;

namespace Ballast.Transports;

/// <summary>
/// An epoll instance and the threads that wait on it. All of them look the same to fstat(2): ours is known by its owner, who
/// would get signals if it asked for any, and is the first of them.
/// </summary>
internal sealed partial class EpollDescriptor
{
    private const int CloseOnExec = 0x80000, GetOwner = 16, SetOwner = 15, OwnerThread = 0, Duplicate = 1030;

    // Above the numbers that a program closes one by one, where the limit allows.
    private const int High = 512;
    private const int NoRoom = 11;

    /// <summary>The kernel's error number; 0 where it is made.</summary>
    private readonly TaskCompletionSource<int> _made = new();
    private int _thread;
    private bool _isMarked;

    private EpollDescriptor()
    {
    }

    public int Number { get; private set; } = -1;

    /// <exception cref="LibvirtException">The system has no room for one.</exception>
    public static EpollDescriptor Start(string name, int threads, Action<EpollDescriptor> run)
    {
        EpollDescriptor poll = new();
        if (!Unattended.TryStartThread(name, Wait, out _))
        {
            throw LibvirtError.System(NoRoom, ErrorOrigin.Rpc,
                "no thread can be started that waits for sockets: raise the limit of processes and threads (ulimit -u, pids.max)");
        }

        int errno = poll._made.Task.GetAwaiter().GetResult();
        if (errno != 0)
            throw SocketPoller.Refused("epoll_create1", errno);

        // One is enough to be served.
        for (int i = 1; i < threads && Unattended.TryStartThread(name, () => run(poll), out _); i++)
        {
        }

        return poll;

        void Wait()
        {
            if (poll.TryMake())
                run(poll);
        }
    }

    /// <summary>Whether the program has left it to us.</summary>
    public bool IsOurs() =>
        !_isMarked || (Libc.FcntlGet(Number, GetOwner, out Libc.Owner owner) == 0 && owner is { Kind: OwnerThread } && owner.Id == _thread);

    private void MoveUp()
    {
        int high = Libc.Fcntl(Number, Duplicate, High);
        if (high < 0)
            return;
        _ = Libc.Close(Number);
        Number = high;
    }

    private bool TryMake()
    {
        try
        {
            Number = Libc.EpollCreate1(CloseOnExec);
            int errno = Number < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (OwnDescriptor.AreAtRisk && Number >= 0)
                MoveUp();
            _thread = Libc.GetTid();
            _isMarked = OwnDescriptor.AreAtRisk && Number >= 0 && Libc.Fcntl(Number, SetOwner, new Libc.Owner { Kind = OwnerThread, Id = _thread }) == 0;
            _made.SetResult(errno);
            return errno == 0;
        }
        catch (Exception e)
        {
            _ = _made.TrySetException(e);
            throw;
        }
    }
}
