using System.Globalization;

namespace Ballast.Guests;

/// <summary>A memory control group of our own, of whichever version the kernel has, and programs that start in it. It goes when its programs have gone.</summary>
public sealed class MemoryControlGroup : IDisposable
{
    private const string Mount = "/sys/fs/cgroup", OldMount = Mount + "/memory", Handed = Mount + "/cgroup.subtree_control";

    // Of a group with programs of its own, and of a file system that is only for looking at.
    private const int Busy = 16, ReadOnly = 30, NotSupported = 95;

    private static readonly Lock Handing = new();
    private static int _count, _handedTo;

    private readonly string _directory;
    private readonly bool _isOld, _isHandedByUs;
    private readonly PrivateDirectory _programs = new();

    private MemoryControlGroup(string directory, bool isOld, bool isHandedByUs) => (_directory, _isOld, _isHandedByUs) = (directory, isOld, isHandedByUs);

    /// <summary>Whether the kernel lets a program of a control group namespace move others only below where it began.</summary>
    public bool ConfinesNamespaces => !_isOld && File.ReadLines("/proc/mounts").Any(line => line.Split(' ') is [_, Mount, "cgroup2", var options, ..] && options.Split(',').Contains("nsdelegate"));

    /// <summary>As in <c>/proc/PID/cgroup</c> of a program in it.</summary>
    public string Path => _directory[(_isOld ? OldMount : Mount).Length..];

    /// <summary>How often its programs met its limit.</summary>
    public long Failures => _isOld
        ? Number("memory.failcnt")
        : File.ReadLines(PathOf("memory.events")).Select(line => line.Split(' ')).Where(words => words[0] == "max").Sum(words => long.Parse(words[1], CultureInfo.InvariantCulture));

    /// <summary>What it holds, in bytes.</summary>
    public long Usage => Number(_isOld ? "memory.usage_in_bytes" : "memory.current");

    /// <summary>A new one; null where this machine lets nobody make one.</summary>
    /// <param name="limitBytes">Its limit.</param>
    /// <param name="obstacle">Why there is none; empty where there is one.</param>
    public static MemoryControlGroup? TryCreate(long limitBytes, out string obstacle)
    {
        bool isOld = File.Exists(OldMount + "/memory.limit_in_bytes"), isHanded = false;
        if (!isOld && !Names(Mount + "/cgroup.controllers"))
        {
            obstacle = $"no memory controller is mounted below {Mount}";
            return null;
        }

        string name = string.Create(CultureInfo.InvariantCulture, $"ballast-test-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}");
        string directory = $"{(isOld ? OldMount + OwnPath().TrimEnd('/') : Mount)}/{name}";
        try
        {
            isHanded = !isOld && HandDown();

            _ = Directory.CreateDirectory(directory);
            MemoryControlGroup group = new(directory, isOld, isHanded);
            group.Limit(limitBytes);
            obstacle = "";
            return group;
        }
        catch (Exception e)
        {
            Remove(directory, isHanded);
            if (e is not UnauthorizedAccessException and not IOException { HResult: Busy or ReadOnly or NotSupported })
                throw;
            obstacle = e.Message;
            return null;
        }
    }

    public void Limit(long bytes) =>
        File.WriteAllText(PathOf(_isOld ? "memory.limit_in_bytes" : "memory.max"), bytes.ToString(CultureInfo.InvariantCulture));

    /// <summary>Lowers the limit, but not to what it holds and the kernel cannot drop: the older version refuses that, the newer one ends programs.</summary>
    /// <returns>The limit that it has now, in bytes.</returns>
    public long Lower(long bytes)
    {
        const long margin = 32L << 20, page = 4096;
        long files = Statistic(_isOld ? "cache" : "file") - Statistic("shmem");
        long limit = Math.Max(bytes, Usage - files + margin) / page * page;
        Limit(limit);
        return limit;
    }

    /// <summary>A program that is the named one, in this group.</summary>
    public string Program(string name) => Program(name, PathOf("cgroup.procs"));

    /// <summary>The same in a group below it. So programs may make others beside that: groups that have some have no programs of their own.</summary>
    public string ProgramBelow(string name)
    {
        _ = Directory.CreateDirectory(PathOf("programs"));
        return Program(name, PathOf("programs/cgroup.procs"));
    }

    /// <summary>Its directory, and that where its controller is mounted.</summary>
    public (string Group, string Mount) Directories => (_directory, _isOld ? OldMount : Mount);

    private string Program(string name, string processes)
    {
        string script = _programs.File(name);
        File.WriteAllText(script, $"#!/bin/sh\necho $$ > '{processes}' && exec {name} \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return script;
    }

    public void Dispose()
    {
        _programs.Dispose();
        Remove(_directory, _isHandedByUs);
    }

    private static void Remove(string directory, bool isHandedByUs)
    {
        try
        {
            if (Directory.Exists(directory))
                RemoveAll(directory);
            if (isHandedByUs)
                TakeBack();
        }
        catch (IOException)
        {
            // Others may have groups by now.
        }
    }

    // Several of ours may be there at a time: the last one takes it back.
    private static bool HandDown()
    {
        lock (Handing)
        {
            if (_handedTo == 0 && Names(Handed))
                return false;
            if (_handedTo == 0)
                File.WriteAllText(Handed, "+memory");
            _handedTo++;
            return true;
        }
    }

    private static void TakeBack()
    {
        lock (Handing)
        {
            if (--_handedTo == 0)
                File.WriteAllText(Handed, "-memory");
        }
    }

    // Groups below it go first. Files in them are the kernel's.
    private static void RemoveAll(string directory)
    {
        foreach (string below in Directory.GetDirectories(directory))
            RemoveAll(below);
        try
        {
            Directory.Delete(directory);
        }
        catch (IOException)
        {
            // The kernel lets go of a program's memory a moment after its end; an empty group costs nothing.
        }
    }

    private static bool Names(string file) => File.Exists(file) && File.ReadAllText(file).Split((char[])[' ', '\n']).Contains("memory");

    private static string OwnPath() =>
        File.ReadLines("/proc/self/cgroup").Select(line => line.Split(':', 3)).First(fields => fields[1].Split(',').Contains("memory"))[2];

    private string PathOf(string name) => $"{_directory}/{name}";

    private long Statistic(string name) => File.ReadLines(PathOf("memory.stat")).Select(line => line.Split(' '))
        .Where(words => words[0] == name).Sum(words => long.Parse(words[1], CultureInfo.InvariantCulture));

    private long Number(string name) => long.Parse(File.ReadAllText(PathOf(name)), CultureInfo.InvariantCulture);
}
