using System.Numerics;
using System.Text.Json;
using Ballast.Drivers.Qemu.Qmp;

namespace Ballast.Fuzz.Targets;

/// <summary>Every reader of a part of a message: each must give a value or <see cref="InvalidDataException"/>.</summary>
internal static class MonitorReaders
{
    // An exception with its trace takes some kilobytes.
    private const int AllocationBase = 64 * 1024;
    private const int AllocationPerByte = 16;

    // A record for each element, which may have a few bytes.
    private const int TreeAllocationPerByte = 64;

    private static readonly DomainStatsGroups[] DeviceGroups =
        [.. Enum.GetValues<DomainStatsGroups>().Where(group => (group & QmpDeviceStats.Groups) != 0 && BitOperations.IsPow2((uint)group))];

    // What is read as a tree: anything that a tree can be made of gives a value.
    private static readonly (string Name, Func<byte[], int> Read)[] Trees =
    [
        .. DeviceGroups.Select<DomainStatsGroups, (string, Func<byte[], int>)>(group => ($"{group}", body => ReadTree(body, tree => new QmpDeviceStats().Add(group, [tree, tree])))),
        ("disks", body => ReadTree(body, tree => QmpMachine.ReadDisks(tree))),
        ("chardevs", body => ReadTree(body, tree => QmpMachine.ReadChardevs(tree))),
        ("memory", body => ReadTree(body, tree => QmpMachine.ReadMemory(tree))),
        ("network cards", body => ReadTree(body, tree => _ = QmpMachine.NetworkCards(tree).Count())),
    ];

    private static readonly (string Name, Func<byte[], int> Read)[] All =
    [
        .. Enum.GetValues<MonitorParts>()[1..].Select<MonitorParts, (string, Func<byte[], int>)>(part => ($"{part}", body => ReadPart(part, body))),
        ("guest-stats", body => ReadStats(body)),
        ("error", body => ReadError(body)),
        ("name", body => ReadText(body, "name"u8)),
        ("path", body => ReadText(body, "path"u8)),
        ("greeting", body => (int)Math.Min(HandshakeReplies.ReadGreetingVersion(body), 1)),
        ("empty object", ReadNothing),
        ("qom-list", body => ReadBalloon(body)),
        ("BALLOON_CHANGE", body => QmpReplies.ReadActual(body, "BALLOON_CHANGE") > 0 ? 1 : 0),
    ];

    /// <summary>Reads JSON that a message holds; empty where it holds none.</summary>
    public static int ReadAll(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty)
            return 0;
        byte[] body = json.ToArray();
        HashCode outcome = default;
        foreach (var (name, read, most) in All.Select(one => (one.Name, one.Read, AllocationPerByte)).Concat(Trees.Select(one => (one.Name, one.Read, TreeAllocationPerByte))))
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                outcome.Add(read(body));
            }
            catch (InvalidDataException e)
            {
                outcome.Add(MonitorTarget.OutcomeOf(e));
            }
            catch (Exception e) when (e is not FuzzException)
            {
                throw new FuzzException($"the reader of {name} ends in {e.GetType().Name}", e);
            }

            CheckAllocation(before, body.Length, name, most);
        }

        StatsOracle.Check(body);
        return outcome.ToHashCode();
    }

    public static void CheckAllocation(long before, int length, string reader, int perByte = AllocationPerByte)
    {
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        FuzzException.Require(
            allocated <= AllocationBase + ((long)perByte * length),
            $"the reader of {reader} allocates {allocated} bytes for {length}");
    }

    private static int ReadTree(byte[] body, Action<JsonElement?> read)
    {
        JsonElement? tree = QmpTree.Parse(body);
        try
        {
            read(tree);
        }
        catch (InvalidDataException e)
        {
            throw new FuzzException("the reader of a tree refuses it", e);
        }

        return tree is null ? -1 : (int)tree.Value.ValueKind;
    }

    private static int ReadPart(MonitorParts part, byte[] body)
    {
        MonitorValues values = default;
        try
        {
            QmpReplies.Read(part, body, ref values);
        }
        catch (InvalidDataException)
        {
            FuzzException.Require(!values.Has(part), "a part that was refused counts as answered");
            throw;
        }

        // A number that cannot be true leaves the part as good as not answered.
        FuzzException.Require((values.Answered & ~part) == MonitorParts.None, "another part was answered");
        return HashCode.Combine(values.IsRunning, values.RunState, values.IsDriverBound, Math.Min(values.Cpus, 4));
    }

    private static int ReadStats(byte[] body)
    {
        GuestStats stats = GuestStats.Parse(body);
        ulong present = 0;
        for (int tag = 0; tag < MemoryStatTable.MaxVirtioTags; tag++)
            present = (present << 1) | (stats.TryGet(tag, out _) ? 1UL : 0);
        FuzzException.Require(stats.IsEmpty == (present == 0), "an empty report has values");
        return HashCode.Combine(BitOperations.PopCount(present), stats.LastUpdate is null);
    }

    private static int ReadNothing(byte[] body)
    {
        QmpReplies.ReadNothing(body);
        return 1;
    }

    private static int ReadError(byte[] body)
    {
        QmpError error = QmpError.Parse(body);
        CheckText(error.Description);
        return (int)error.Class;
    }

    private static int ReadText(byte[] body, ReadOnlySpan<byte> name)
    {
        string? text = QmpMembers.ReadText(body, name);
        CheckText(text);
        return text is null ? -1 : Math.Min(text.Length, 1);
    }

    private static int ReadBalloon(byte[] body)
    {
        bool found = HandshakeReplies.TryFindBalloon(body, out string name, out bool isProxied);
        CheckText(name);
        FuzzException.Require(found == name.Length > 0, "a balloon without a name was found");
        if (found)
        {
            // The path goes into commands as it is.
            string commands = System.Text.Encoding.UTF8.GetString(QmpCommands.Query(
                MonitorParts.GuestStats, BalloonDevice.In(QmpCommands.PeripheralPath, name, isProxied)));
            using JsonDocument command = JsonDocument.Parse(commands);
            FuzzException.Require(command.RootElement.EnumerateObject().Count() == 2, "a name changes the command that it is used in");
        }

        return HashCode.Combine(found, isProxied);
    }

    private static void CheckText(string? text) =>
        FuzzException.Require(text is null || text.Length <= QmpLimits.MaxTextLength, "a text is longer than allowed");
}
