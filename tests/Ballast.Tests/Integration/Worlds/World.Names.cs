namespace Ballast.Tests.Integration.Worlds;

// Who is listed, and under which names: the rules of who a QEMU is.
internal sealed partial class World
{
    // Of a UUID that is derived, the version says so.
    private const int DerivedVersion = 8;

    private async Task ListAsync(WorldConnection connection, bool isFresh, bool isAlone)
    {
        WorldProcess[] before = Living;
        IReadOnlyList<Domain>? domains = null;
        _ = await TryAsync($"list {connection}", async () =>
        {
            domains = await connection.Connection.ListDomainsAsync(cancellationToken: _token);
            return string.Join(", ", domains.Select(domain => $"'{domain.Name}' {WorldProcessPlan.Short(domain.Uuid)} {domain.Id}"));
        });
        if (domains is null)
            return;
        WorldHandle[] listed = [.. domains.Select(domain => Own(connection, domain))];
        RequireUnique(connection, "name", domains.Select(domain => domain.Name));
        RequireUnique(connection, "UUID", domains.Select(domain => $"{domain.Uuid}"));
        RequireUnique(connection, "process", domains.Select(domain => $"{domain.Id}"));
        foreach (WorldHandle handle in listed)
            JudgeIdentity(handle);
        if (isAlone)
            await JudgeListAsync(connection, listed, before, isFresh);
        lock (_gate)
        {
            connection.Listed.Clear();
            foreach (WorldHandle handle in listed)
                Remember(handle);
        }
    }

    private async Task LookUpAsync(WorldConnection connection)
    {
        int roll = _random.Next(3);
        string name = Pick(Names)!;
        Guid uuid = Uuids[_random.Next(Uuids.Length)];
        int id = Pick(Processes)!.Pid;
        (string, Guid)[] listed = [.. connection.Listed.Values];
        if (listed.Length > 0 && Chance(50))
            (name, uuid) = listed[_random.Next(listed.Length)];
        Domain? found = null;
        _ = await TryAsync($"look up {(roll == 0 ? name : roll == 1 ? $"{uuid}" : $"{id}")} {connection}", async () =>
        {
            found = await (roll switch
            {
                0 => connection.Connection.LookupByNameAsync(name, _token),
                1 => connection.Connection.LookupByUuidAsync(uuid, _token),
                _ => connection.Connection.LookupByIdAsync(id, _token),
            });
            return $"'{found.Name}' {WorldProcessPlan.Short(found.Uuid)} {found.Id}";
        });
        if (found is null)
            return;
        if (!(roll switch { 0 => found.Name == name, 1 => found.Uuid == uuid, _ => found.Id == id }))
            throw new WorldViolation("looked up one, found another", $"{connection}: '{found.Name}' {found.Uuid} {found.Id}");
        WorldHandle handle = Own(connection, found);
        JudgeIdentity(handle);
        RequireAlive(handle);
        foreach ((WorldProcess other, (string Name, Guid Uuid) known) in connection.Listed)
        {
            // Who was listed keeps its name while it lives; of those in a directory, the socket may have left it.
            if (connection.IsHost && other != handle.Process && !other.IsDead && (known.Name == found.Name || known.Uuid == found.Uuid))
                throw new WorldViolation("a name led to another process", $"{handle}, but it was listed with {other}");
        }

        lock (_gate)
            Remember(handle);
    }

    /// <summary>Nobody else is in the world: what is listed must be one of its processes.</summary>
    private WorldHandle Own(WorldConnection connection, Domain domain) =>
        Processes.LastOrDefault(process => process.Pid == domain.Id) is { } process
            ? new WorldHandle(connection, domain, process)
            : throw new WorldViolation("a stranger is listed", $"{connection}: '{domain.Name}' {domain.Uuid} {domain.Id}");

    private void Remember(WorldHandle handle)
    {
        handle.Connection.Listed[handle.Process] = (handle.Domain.Name, handle.Domain.Uuid);
        _handles.Add(handle);
        if (_handles.Count > MaxHandles)
            _handles.RemoveAt(0);
    }

    private static void RequireUnique(WorldConnection connection, string what, IEnumerable<string> values)
    {
        if (values.GroupBy(value => value).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new WorldViolation($"one {what} is listed twice", $"{connection}: {twice.Key}");
    }

    private static void RequireAlive(WorldHandle handle)
    {
        if (handle.Process.IsDead)
            throw new WorldViolation("a dead process is listed", $"{handle}");
    }

    /// <summary>The command line's word stands, the monitor's only where the command line has none.</summary>
    private static void JudgeIdentity(WorldHandle handle)
    {
        // Of a user who is not trusted, nothing need be believed.
        if (!handle.Connection.Believes(handle.Process))
            return;
        WorldProcessPlan plan = handle.Process.Plan;
        string name = handle.Domain.Name, unnamed = $"qemu-{handle.Process.Pid}", at = $"@{handle.Process.Pid}";
        string? own = plan.Name ?? plan.SaidName;
        bool isRight = (own is not null && (name == own || name == own + at)) || (plan.Name is null && name == unnamed);
        if (!isRight)
            throw new WorldViolation("a name is not its own", $"{handle} {plan}");
        Guid uuid = handle.Domain.Uuid;
        if (uuid != (plan.Uuid ?? plan.SaidUuid) && uuid.Version != DerivedVersion)
            throw new WorldViolation("a UUID is not its own", $"{handle} is {uuid}: {plan}");
    }

    private async Task JudgeListAsync(WorldConnection connection, WorldHandle[] listed, WorldProcess[] before, bool isFresh)
    {
        foreach (WorldHandle handle in listed)
        {
            RequireAlive(handle);
            if (isFresh)
                RequireBearer(handle, listed);
            if (connection.IsHost && connection.Believes(handle.Process))
                RequireKept(handle);
        }

        if (!connection.IsHost || before.Where(process => listed.All(handle => handle.Process != process)).ToArray() is not { Length: > 0 } absent)
            return;

        // One that was told to end, by a call that has failed since, may have ended only now.
        await JudgeAsync();
        if (absent.FirstOrDefault(process => !process.IsDead) is { } missing)
            throw new WorldViolation("a QEMU is not listed", $"{connection}: {missing} {missing.Plan}");
    }

    /// <summary>With no list before: root's process that bears a name on its command line is before all others.</summary>
    private static void RequireBearer(WorldHandle handle, WorldHandle[] listed)
    {
        string name = handle.Domain.Name;
        Guid uuid = handle.Domain.Uuid;
        bool isNamed(WorldHandle other) => other.Process.Plan.Owner == 0 && other.Process.Plan.Name == name;
        bool hasUuid(WorldHandle other) => other.Process.Plan.Owner == 0 && other.Process.Plan.Uuid == uuid;
        if (!isNamed(handle) && listed.FirstOrDefault(isNamed) is { } robbed)
            throw new WorldViolation("a name was taken from its bearer", $"{handle} {handle.Process.Plan}; its bearer is {robbed} {robbed.Process.Plan}");
        if (!hasUuid(handle) && listed.FirstOrDefault(hasUuid) is { } other)
            throw new WorldViolation("a UUID was taken from its bearer", $"{handle} {handle.Process.Plan}; its bearer is {other} {other.Process.Plan}");
    }

    /// <summary>Who was listed with what its command line says keeps that; newcomers yield.</summary>
    private static void RequireKept(WorldHandle handle)
    {
        if (!handle.Connection.Listed.TryGetValue(handle.Process, out (string Name, Guid Uuid) known))
            return;
        WorldProcessPlan plan = handle.Process.Plan;
        if ((known.Name == plan.Name && handle.Domain.Name != plan.Name) || (known.Uuid == plan.Uuid && handle.Domain.Uuid != plan.Uuid))
            throw new WorldViolation("a name was not kept", $"{handle} was '{known.Name}' {known.Uuid} before, and is {handle.Domain.Uuid}");
    }
}
