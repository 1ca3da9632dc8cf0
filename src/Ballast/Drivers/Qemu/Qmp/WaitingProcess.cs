namespace Ballast.Drivers.Qemu.Qmp;

/// <summary>A QEMU that was started to wait for its monitor's first client, whose guest starts then.</summary>
/// <param name="Pid">Its process.</param>
/// <param name="IsCertain">Whether it says so; else a file that could not be read may say it.</param>
internal sealed record WaitingProcess(int Pid, bool IsCertain);
