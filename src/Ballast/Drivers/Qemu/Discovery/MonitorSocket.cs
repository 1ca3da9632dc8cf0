namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>A monitor that a QEMU's command line offers on a unix socket.</summary>
/// <param name="Path">The socket's path as the process wrote it, made absolute; null where the descriptor was passed to it.</param>
/// <param name="ChardevId">The id of its character device, or null.</param>
internal sealed record MonitorSocket(string? Path, string? ChardevId);

/// <summary>
/// Finds the monitors in a command line: <c>-qmp unix:…</c>, <c>-qmp-pretty</c>, <c>-mon</c> with <c>-chardev</c>, and the
/// same as JSON. Only sockets that QEMU listens on are of use; human monitors are not.
/// </summary>
internal static class MonitorArguments
{
    public static IReadOnlyList<MonitorSocket> Find(IReadOnlyList<string> arguments, string? workingDirectory)
    {
        Dictionary<string, OptionMembers> chardevs = [];
        List<string> controlled = [];
        List<MonitorSocket> found = [];
        for (int i = 1; i + 1 < arguments.Count; i++)
        {
            string name = arguments[i].StartsWith("--", StringComparison.Ordinal) ? arguments[i][1..] : arguments[i];
            string value = arguments[i + 1];
            switch (name)
            {
                case "-chardev" when OptionMembers.Parse(value) is { } chardev:
                    if (chardev["id"] is { } id)
                        chardevs[id] = chardev;
                    break;
                case "-mon" when OptionMembers.Parse(value, "chardev") is { } monitor:
                    if (monitor["mode"] == "control" && monitor["chardev"] is { } device)
                        controlled.Add(device);
                    break;
                case "-qmp" or "-qmp-pretty" when value.StartsWith("chardev:", StringComparison.Ordinal):
                    controlled.Add(value["chardev:".Length..]);
                    break;
                case "-qmp" or "-qmp-pretty" when value.StartsWith("unix:", StringComparison.Ordinal):
                    OptionMembers socket = OptionMembers.Parse(value["unix:".Length..], "path")!;
                    if (IsServer(socket))
                        found.Add(new MonitorSocket(Absolute(socket["path"], workingDirectory), null));
                    break;
                default:
                    continue;
            }

            i++;
        }

        foreach (string id in controlled)
        {
            if (chardevs.TryGetValue(id, out OptionMembers? chardev) && IsSocket(chardev) && IsServer(chardev))
                found.Add(new MonitorSocket(Absolute(chardev["path"], workingDirectory), id));
        }

        return found;
    }

    private static bool IsSocket(OptionMembers chardev) =>
        chardev["backend"] == "socket" && (chardev["path"] is not null || chardev["fd"] is not null) && chardev["abstract"] is not ("on" or "true");

    private static bool IsServer(OptionMembers socket) => socket["server"] is "on" or "yes" or "true" or "";

    private static string? Absolute(string? path, string? workingDirectory) => path switch
    {
        null or "" => null,
        _ when Path.IsPathRooted(path) => path,
        _ => workingDirectory is null ? null : Path.Join(workingDirectory, path),
    };
}
