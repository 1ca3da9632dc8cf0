using System.Diagnostics;
using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Drivers.Qemu.Qmp;
using Ballast.Drivers.Qemu.Scopes;
using Ballast.Telemetry;

namespace Ballast.Drivers.Qemu.Inventory;

/// <summary>
/// Which QEMU an instance is: its process, what its command line and its monitor say of it, and what callers were told.
/// </summary>
/// <param name="gate">The instance's lock, under which all of it changes.</param>
/// <param name="log">Who is told of a process that is not believed.</param>
internal sealed class InstanceIdentity(Lock gate, ConnectionLog log)
{
    private QmpHello? _hello;
    private string? _listedName;
    private Guid? _listedUuid;
    private volatile bool _hasNewWord;
    private QemuCommandLine? _namedBy;

    /// <summary>The process; null where only the peer of a socket is known.</summary>
    public QemuProcess? Process { get; private set; }

    /// <summary>Why nothing that the process says is believed; null where it is.</summary>
    public string? Distrust { get; private set; }

    /// <summary>The user of the process, or of the socket's peer.</summary>
    public uint Uid { get; private set; }

    /// <summary>Who it is; set when that was decided.</summary>
    public DomainIdentity Decided { get; private set; } = new("", Guid.Empty, null);

    /// <summary>Whether a caller was told of it.</summary>
    public bool IsListed { get; private set; }

    /// <summary>The UUIDs under which callers were told of it, before it was known what its own is: their handles lead to it.</summary>
    /// <remarks>Never changed, but put in place of the one before: whoever goes through them holds no lock.</remarks>
    public IReadOnlyList<Guid> FormerUuids { get; private set; } = [];

    /// <summary>Whether its monitor has said who it is.</summary>
    public bool HasGreeted => _hello is not null;

    /// <summary>Whether its name and UUID are known without its monitor, or nothing that it says would count.</summary>
    public bool NeedsNoMonitor => Distrust is not null || Process is { CommandLine: { NameWord: { Certainty: Certainty.Said }, Uuid: not null } };

    /// <summary>Whether it said who it is since it was named last: its monitor may greet at any time, when nobody waits for it any more.</summary>
    public bool HasNewWord => _hasNewWord || (Process is { } process && _namedBy is { } before && process.CommandLine != before);

    /// <summary>Whether its name is a guess, so that nothing may be done to it by its name alone.</summary>
    public bool IsNameGuessed => _listedName is null && SaidOrTold is { IsGuess: true };

    /// <summary>Whether its name may stand in a file that nobody can read now.</summary>
    public bool MayBeNamedByStuckFile => Process is { HasStuckFile: true } && SaidOrTold is null or { IsGuess: true };

    /// <summary>Who it says it is; <see cref="Decide"/> decides.</summary>
    /// <param name="used">Its monitor that is used, for one that no process is known of.</param>
    public DomainClaim Claim(QmpMonitor? used)
    {
        AssertLocked();
        (_hasNewWord, _namedBy) = (false, Process?.CommandLine);
        QemuCommandLine? said = Distrust is null ? Process?.CommandLine : null;

        // Whoever listens where no process could be shown may be a relay: its id is no QEMU's.
        int pid = Process?.Pid ?? 0;
        Word<Guid>? told = Guid.TryParse(_hello?.Uuid, out Guid uuid) && uuid != Guid.Empty ? new(uuid, Certainty.Told) : null;
        return new DomainClaim(
            pid, SaidOrTold, said?.Uuid is { } own ? new(own, Certainty.Said) : told,
            Process?.DeriveUuid() ?? DerivedUuid.From($"{used?.Peer.Pid ?? 0}/{used?.Endpoint.Key}"),
            Uid == 0, Process?.StartTicks ?? ulong.MaxValue)
        {
            ListedName = _listedName,
            ListedUuid = _listedUuid,
        };
    }

    /// <summary>Decides who it is.</summary>
    /// <returns>Whether it was somebody else before.</returns>
    public bool Decide(DomainIdentity identity)
    {
        AssertLocked();
        if (Decided == identity)
            return false;
        if (IsListed && Decided.Uuid != identity.Uuid)
            FormerUuids = [.. FormerUuids, Decided.Uuid];
        Decided = identity;
        return true;
    }

    /// <summary>
    /// A caller is told of it. It keeps its name and UUID from now on, unless they are a guess, or a substitute for what it could not say
    /// yet: those yield to the truth. What it said since it was named is not in its name yet.
    /// </summary>
    public void NoteListed()
    {
        AssertLocked();
        IsListed = true;
        if (HasNewWord)
            return;
        if (!IsNameGuessed && (SaidOrTold is not null || _hello is not null))
            _listedName ??= Decided.Name;
        if (_hello is not null || (Distrust is null && Process?.CommandLine.Uuid is not null))
            _listedUuid ??= Decided.Uuid;
    }

    /// <summary>A look has found its process, or only its sockets.</summary>
    public void Find(Sighting sighting)
    {
        AssertLocked();
        Process ??= sighting.Process;
        if (Process is { } process)
            process.IsInUse = true;
        if (sighting.Process is null)
            return;
        if (sighting.Distrust is { } why && why != Distrust)
            log.ProcessSkipped(sighting.Process.Pid, why);
        (Uid, Distrust) = (sighting.Uid, sighting.Distrust);
    }

    /// <summary>It was found who is behind the socket.</summary>
    public void Become(QemuProcess process)
    {
        AssertLocked();
        Process = process;
        process.IsInUse = true;
        Uid = process.Uid ?? Uid;
    }

    /// <summary>Takes what a monitor said when it was connected to.</summary>
    /// <param name="hello">What it said at the last connect, which may have ended since; null before the first.</param>
    /// <param name="peer">Whom the kernel shows at the other end.</param>
    /// <param name="mayBeAnother">Whether nobody can tell that the one before answers still.</param>
    /// <returns>False where another QEMU answers than before, and no process shows which.</returns>
    public bool Hear(QmpHello? hello, UnixSocketPeer peer, bool mayBeAnother)
    {
        AssertLocked();
        bool isSame = Process is not null || _hello is null || hello is null
            || (!mayBeAnother && (_hello.Name, _hello.Uuid) == (hello.Name, hello.Uuid));
        if (isSame && hello is not null)
            (_hello, _hasNewWord) = (hello, _hasNewWord || _hello is null || (_hello.Name, _hello.Uuid) != (hello.Name, hello.Uuid));
        if (Process is null)
            Uid = peer.Uid;
        return isSame;
    }

    /// <summary>What its monitor says otherwise than its command line, which counts; null where they agree.</summary>
    public string? Disagreement()
    {
        if (_hello is not { } hello || Distrust is not null)
            return null;
        if (Process?.CommandLine is not { } said)
        {
            return !string.IsNullOrEmpty(hello.Name) && hello.Name != Decided.Name
                ? $"its monitor names it '{DisplayText.Escape(hello.Name)}', and so does another QEMU's; Ballast cannot see whose name it is"
                : null;
        }

        if (said.NameWord is { Certainty: Certainty.Said, Value: var name } && !string.IsNullOrEmpty(hello.Name) && hello.Name != name)
            return $"its command line names it '{DisplayText.Escape(name)}', its monitor says '{DisplayText.Escape(hello.Name)}'";
        return said.Uuid is { } uuid && Guid.TryParse(hello.Uuid, out Guid told) && told != uuid
            ? $"its command line gives it the UUID {uuid}, its monitor says {told}"
            : null;
    }

    // Its name, by whoever knows it best.
    private Word<string>? SaidOrTold => Word<string>.Surer(
        Distrust is null ? Process?.CommandLine.NameWord : null,
        string.IsNullOrEmpty(_hello?.Name) ? null : new(_hello.Name, Certainty.Told));

    [Conditional("DEBUG")]
    private void AssertLocked() => Debug.Assert(gate.IsHeldByCurrentThread, "The instance's lock is not held.");
}
