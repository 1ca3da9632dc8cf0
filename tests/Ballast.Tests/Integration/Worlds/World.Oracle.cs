namespace Ballast.Tests.Integration.Worlds;

// What must be true of a world at any time.
internal sealed partial class World
{
    // Whether any connection was told to use what lies at a path, or what another user's process offers.
    private bool _namesPaths;
    private bool _trusts;

    private async Task JudgeAsync()
    {
        foreach (WorldProcess process in Processes)
            JudgeLog(process);
        foreach (WorldProcess process in Living)
        {
            string end = await _nursery.AskAsync("look", Text(process.Pid));
            if (end == "lives")
                continue;
            if (!process.MayDie)
                throw new WorldViolation("a process died", $"{process}: {end}; nobody asked for that");
            Tell($"   {process} is dead: {end}");
            process.IsDead = true;
        }
    }

    private void JudgeLog(WorldProcess process)
    {
        foreach (IGrouping<string, string> told in process.ReadLog().GroupBy(line => line))
        {
            if (!_namesPaths && !_trusts && process.Plan.Owner != 0)
                throw new WorldViolation("another user's process was asked", $"{process} {process.Plan} was told {told.Key}");
            if (!_namesPaths && !_wasHeld && process.Plan is { IsWaiting: true, IsPassed: false })
                throw new WorldViolation("a QEMU was asked that waits for its controller", $"{process} {process.Plan} was told {told.Key}");
            if (process.IsAllowed(told.Key, told.Count()))
                continue;
            WorldProcess[] meant = [.. Processes.Where(other => other != process && other.WasMeant(told.Key))];
            throw meant.Length > 0
                ? new WorldViolation("a change reached another process",
                    $"{process} was told {told.Key}, which was meant for {string.Join(" or ", meant.Select(other => other.ToString()))}")
                : new WorldViolation(process.WasMeant(told.Key) ? "a change was sent twice" : "a change that nobody asked for",
                    $"{process} was told {told.Key} {told.Count()} times");
        }
    }
}
