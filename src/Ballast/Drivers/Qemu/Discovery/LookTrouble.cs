using System.Globalization;

namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>
/// What a look could not see. A system call that fails shows that something is not there only where its error says so; for want
/// of a descriptor or of memory, or after an input error, it shows nothing. <see cref="HostCalls"/> notes each failure for the look
/// under way on its thread, so that whoever looks can tell "it is not there" from "nobody could look".
/// </summary>
internal sealed class LookTrouble : IDisposable
{
    private const int NotPermitted = 1, AccessDenied = 13;

    // EAGAIN, as the system says it where it has no room for a thread.
    public const int NoThread = 11;

    // Errors that answer the question: ENOENT, ESRCH, ENXIO, EXDEV, ENODEV, ENOTDIR, EISDIR, EINVAL (of what is no link, or of a dead
    // process), EPIPE, ENAMETOOLONG, ENOSYS, ELOOP, EPROTOTYPE (another type of socket), the protocols that a system or a sandbox does not have, ECONNRESET, ECONNREFUSED.
    private static readonly int[] Answers = [2, 3, 6, 18, 19, 20, 21, 22, 32, 36, 38, 40, 91, 93, 94, 95, 97, 104, 111];

    [ThreadStatic]
    private static LookTrouble? _underWay;

    private readonly LookTrouble? _outer = _underWay;
    private HashSet<string>? _denied;
    private HashSet<string>? _leftOut;
    private LookFailure? _firstLeftOut;
    private LookFailure? _unseen;

    /// <summary>Begins to note what fails on this thread, until it is disposed; what encloses it is told too.</summary>
    public LookTrouble() => _underWay = this;

    /// <summary>What failed in the look under way on this thread; null: nothing, or nobody looks.</summary>
    public static LookFailure? Now => _underWay?.Failure;

    /// <summary>The first failure that proves nothing; null where there was none.</summary>
    public LookFailure? Failure { get; private set; }

    /// <summary>
    /// Whether it is about files that a process names. Their owner can make them fail as it likes (a lease, a file system of its own), so
    /// that only our own want is a failure of the whole look.
    /// </summary>
    public bool IsOfStranger { get; init; }

    /// <summary>Whether something is left out since a call that was about it has not returned; it is among <see cref="Denied"/>.</summary>
    public bool IsStuck => _firstLeftOut is not null;

    /// <summary>Why not all was answered that was asked: a call failed, or something is left out, or one process could not be looked at; null where all was.</summary>
    public LookFailure? Unanswered => Failure ?? _firstLeftOut ?? _unseen;

    /// <summary>What is left out since a call that was about it has not returned; it is among <see cref="Denied"/>.</summary>
    public IReadOnlySet<string> LeftOut => _leftOut ??= [];

    /// <summary>Whether all was answered that was asked, be it that this user may not know.</summary>
    public bool IsAnswered => Unanswered is null;

    /// <summary>What this user may not look at, or nobody can look at just now.</summary>
    public IReadOnlySet<string> Denied => _denied ??= [];

    /// <summary>Whether there was anything that this user may not look at.</summary>
    public bool IsDenied => _denied is { Count: > 0 };

    /// <summary>Whether an error proves nothing of what was asked about; that this user may not know is another matter.</summary>
    public static bool IsFailure(int errno) =>
        errno is not (0 or NotPermitted or AccessDenied or HostLook.LeftOut) && Array.IndexOf(Answers, errno) < 0;

    /// <summary>A system call failed.</summary>
    /// <param name="errno">With this error.</param>
    /// <param name="what">What it was about.</param>
    public static void Note(int errno, string what)
    {
        if (_underWay is not { } trouble)
            return;
        if (IsFailure(errno))
            trouble.Failure ??= new LookFailure(errno, what);
        else if (errno is NotPermitted or AccessDenied or HostLook.LeftOut)
            _ = (trouble._denied ??= []).Add(what);
        if (errno != HostLook.LeftOut)
            return;
        _ = (trouble._leftOut ??= []).Add(what);
        trouble._firstLeftOut ??= new LookFailure(errno, what);
    }

    /// <summary>What was seen cannot be, though no call failed.</summary>
    public static void Fail(LookFailure failure)
    {
        if (_underWay is { } trouble)
            trouble.Failure ??= failure;
    }

    /// <summary>One process could not be looked at, which says nothing of any other.</summary>
    public static void LeaveUnseen(LookFailure failure)
    {
        if (_underWay is { } trouble)
            trouble._unseen ??= failure;
    }

    /// <summary>Notes the same on this thread: it was met on another.</summary>
    public void NoteHere() => _underWay?.Add(this);

    public void Dispose()
    {
        _underWay = _outer;
        if (!IsOfStranger || Failure is { IsWant: true })
            _outer?.Add(this);
    }

    private void Add(LookTrouble inner)
    {
        Failure ??= inner.Failure;
        _firstLeftOut ??= inner._firstLeftOut;
        _unseen ??= inner._unseen;
        if (inner.IsDenied)
            (_denied ??= []).UnionWith(inner._denied!);
        if (inner.IsStuck)
            (_leftOut ??= []).UnionWith(inner._leftOut!);
    }
}

/// <summary>A system call that failed without an answer.</summary>
/// <param name="Errno">The kernel's error number.</param>
/// <param name="What">What it was about.</param>
internal sealed record LookFailure(int Errno, string What)
{
    private const int NoEntry = 2, InputError = 5, NoMemory = 12, FullTable = 23, TooManyOpen = 24;

    /// <summary>/proc shows no process, though there is always one.</summary>
    public static LookFailure NoProcesses { get; } = new(NoEntry, "/proc");

    /// <summary>Why, where no system call failed.</summary>
    public string? Why { get; private init; }

    /// <summary>What a process says or names could not be dealt with.</summary>
    public static LookFailure OfProcess(int pid, string why) =>
        new(InputError, string.Create(CultureInfo.InvariantCulture, $"process {pid}")) { Why = why };

    /// <summary>Whether this process or the system lacks something, whatever was looked at.</summary>
    public bool IsWant => Errno is NoMemory or FullTable or TooManyOpen;
}
