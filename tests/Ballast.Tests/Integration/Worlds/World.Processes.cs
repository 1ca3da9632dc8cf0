using System.Globalization;
using Ballast.Guests;

namespace Ballast.Tests.Integration.Worlds;

// How the processes of a world are made up, started and ended.
internal sealed partial class World
{
    private static readonly string[] Names = ["red", "blue"];
    private static readonly string[] SocketNames = ["d/a", "d/b", "d/c", "e/a"];

    private static readonly Guid[] Uuids =
        [new("11111111-1111-1111-1111-111111111111"), new("22222222-2222-2222-2222-222222222222")];

    private static readonly string RealQemu = Environment.GetEnvironmentVariable("PATH")!.Split(':')
        .Select(directory => Path.Combine(directory, "qemu-system-x86_64")).FirstOrDefault(File.Exists) ?? "";

    private WorldProcessPlan Plan(bool isReal)
    {
        bool isLiar = Chance(20), isNobodys = Chance(12);
        int room = _random.Next(100);
        string[] sockets = [.. SocketNames.OrderBy(_ => _random.Next()).Take(Chance(75) ? 1 : 2)];
        WorldProcessPlan plan = new()
        {
            IsReal = isReal,
            Name = Chance(75) ? Pick(Names) : null,
            Uuid = Chance(65) ? Uuids[_random.Next(Uuids.Length)] : null,
            SaidName = isLiar && Chance(70) ? Pick(Names) : null,
            SaidUuid = isLiar && Chance(70) ? Uuids[_random.Next(Uuids.Length)] : null,
            Sockets = sockets,
            IsRelative = Chance(20),
            IsCovered = room is >= 55 and < 70,
            HasMounts = room is >= 55 and < 80 or >= 92,
            HasRoot = room >= 80,
            HasNetwork = Chance(20),
            HasPids = Chance(15),
            IsPassed = Chance(10),
            Uid = isNobodys ? WorldProcessPlan.Nobody : 0,
            RunsAs = !isNobodys && Chance(8),
            IsSilent = Chance(5),
            IsWaiting = Chance(6),
        };

        // A real one has no log, needs its files, and takes long to start: it is left as it is.
        return isReal
            ? new WorldProcessPlan { IsReal = true, Name = plan.Name, Uuid = plan.Uuid, Sockets = sockets, HasMounts = plan.HasMounts }
            : plan;
    }

    private async Task<WorldProcess> StartAsync(WorldProcessPlan plan, int? pid = null)
    {
        int token = Interlocked.Increment(ref _tokens);
        string log = _directory.File($"log-{token}");
        int started = await _nursery.StartProcessAsync([.. Place(plan, token, pid, log), "--", .. CommandLine(plan, token)]);
        WorldProcess process = new(plan, token, started, log);
        lock (_gate)
            _processes.Add(process);
        Tell($"   start {process}{(pid is null ? "" : ", a pid that was another's,")} {plan}");
        if (plan.IsReal)
            await WaitForSocketsAsync(plan);
        return process;
    }

    private IEnumerable<string> Place(WorldProcessPlan plan, int token, int? pid, string log)
    {
        yield return $"cwd={_directory.File("d")}";
        if (plan.HasMounts)
            yield return "mount";
        if (plan.IsCovered)
            yield return $"cover={_directory.File("d")}";
        if (plan.HasNetwork)
            yield return "net";
        if (plan.HasPids)
            yield return "pid";
        if (plan.Uid != 0)
            yield return $"uid={plan.Uid}";
        if (pid is { } wanted)
            yield return $"tid={wanted}";
        if (plan.IsPassed)
            yield return $"listen={_directory.File(plan.Sockets[^1])}";
        if (plan.IsReal)
            yield break;
        if (plan.HasRoot)
            yield return $"root={MakeRoot(token)}";
        yield return $"log={log}";
        yield return $"FAKE_TOKEN={token}";
        if (plan.SaidName is { } name)
            yield return $"FAKE_SAY_NAME={name}";
        if (plan.SaidUuid is { } uuid)
            yield return $"FAKE_SAY_UUID={uuid}";
        if (plan.RunsAs)
            yield return $"FAKE_RUNAS={WorldProcessPlan.Nobody}";
        if (plan.IsSilent)
            yield return "FAKE_SILENT=1";
    }

    // In a root of its own, the same paths lead elsewhere.
    private string MakeRoot(int token)
    {
        string root = _directory.File($"r{token}");
        foreach (string name in (ReadOnlySpan<string>)["d", "e"])
            MakeOpenDirectory(root + _directory.File(name));
        return root;
    }

    private List<string> CommandLine(WorldProcessPlan plan, int token)
    {
        List<string> words = [plan.IsReal ? RealQemu : WorldPrograms.FakeQemu(_programs), "qemu-system-x86_64"];
        if (plan.IsReal)
        {
            words.AddRange(["-accel", "tcg,tb-size=1", "-S", "-M", "microvm,acpi=off", "-nodefaults", "-no-user-config", "-display", "none",
                "-device", "virtio-balloon-device"]);
        }

        if (plan.Name is { } name)
            words.AddRange(["-name", name]);
        if (plan.Uuid is { } uuid)
            words.AddRange(["-uuid", $"{uuid}"]);
        words.AddRange(["-m", WorldProcess.Size(plan.IsReal, token).ToString(CultureInfo.InvariantCulture)]);
        IEnumerable<string> own = plan.IsPassed ? plan.Sockets.SkipLast(1) : plan.Sockets;
        words.AddRange(own.SelectMany(socket => (string[])["-qmp", $"unix:{PathIn(plan, socket)},server=on{(plan.IsWaiting ? "" : ",wait=off")}"]));
        if (plan.IsPassed)
            words.AddRange(["-chardev", "socket,id=passed,fd=9,server=on,wait=off", "-mon", "chardev=passed,mode=control"]);
        return words;
    }

    private string PathIn(WorldProcessPlan plan, string socket) =>
        !plan.IsRelative ? _directory.File(socket)
        : socket.StartsWith("d/", StringComparison.Ordinal) ? socket[2..]
        : $"../{socket}";

    private Task WaitForSocketsAsync(WorldProcessPlan plan) => Deadline.UntilAsync(
        Deadline.Default, "monitors of a real QEMU", _ => Task.FromResult(plan.Sockets.All(IsListening)), _token, TimeSpan.FromMilliseconds(5));

    private bool IsListening(string socket)
    {
        const string accepts = " 00010000 ";
        string path = _directory.File(socket);
        return File.ReadLines("/proc/net/unix").Any(line =>
            line.EndsWith($" {path}", StringComparison.Ordinal) && line.Contains(accepts, StringComparison.Ordinal));
    }

    private async Task KillAsync(WorldProcess process)
    {
        process.MayDie = true;
        Tell($"   kill {process}");
        _ = await _nursery.AskAsync("kill", Text(process.Pid));
        process.IsDead = true;
    }
}
