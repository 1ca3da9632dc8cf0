using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;

namespace Ballast.Drivers.Qemu.Scopes;

/// <summary>
/// Whose processes are believed. Anybody can start a program under QEMU's name with any command line: followed blindly,
/// it would lead a privileged reader to a socket, or to a name, of its choice.
/// </summary>
internal sealed class QemuTrust(IReadOnlyCollection<uint> users)
{
    /// <summary>Whether a user's processes may be believed.</summary>
    public bool Trusts(uint uid) => ProcessTable.IsOwn(uid) || users.Contains(uid);

    /// <summary>Why a process is not believed, or null. Asked before anything is read that the process says of itself.</summary>
    public string? Refuse(int pid, uint uid) => Refuse(uid, () => QemuProcess.ReadProgram(pid));

    /// <summary>The same of one that is known, of which not all is read again.</summary>
    public string? Refuse(QemuProcess process, uint uid) => Refuse(uid, () => process.Executable);

    private string? Refuse(uint uid, Func<string?> readProgram)
    {
        if (!Trusts(uid))
            return $"it belongs to user {uid}, and Ballast does not trust that user: add {uid} to trusted_users of ballastd (TrustedUserIds of ConnectionOptions), or name its socket";
        if (readProgram() is { } program && !QemuName.IsQemuFile(program))
            return $"it has QEMU's name, but runs {DisplayText.Escape(program)}";
        return null;
    }
}
