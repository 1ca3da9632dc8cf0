using System.Globalization;

namespace Ballast.Guests;

/// <summary>A memory control group of our own, of whichever version the kernel has, and programs that start in it. It goes when its programs have gone.</summary>
public sealed class MemoryControlGroup : IDisposable
{
    private const string Mount = "/sys/fs/cgroup", OldMount = Mount + "/memory";

    private static int _count;

    private readonly string _directory;
    private readonly bool _isOld;
    private readonly PrivateDirectory _programs = new();

    private MemoryControlGroup(string directory, bool isOld) => (_directory, _isOld) = (directory, isOld);

    /// <summary>As in <c>/proc/PID/cgroup</c> of a program in it.</summary>
    public string Path => _directory[(_isOld ? OldMount : Mount).Length..];

    /// <summary>How often its programs met its limit.</summary>
    public long Failures => _isOld
        ? Number("memory.failcnt")
        : File.ReadLines(PathOf("memory.events")).Select(line => line.Split(' ')).Where(words => words[0] == "max").Sum(words => long.Parse(words[1], CultureInfo.InvariantCulture));

    /// <summary>What it holds, in bytes.</summary>
    public long Usage => Number(_isOld ? "memory.usage_in_bytes" : "memory.current");

    /// <summary>A new one; null where this user, or this system, lets nobody make one.</summary>
    public static MemoryControlGroup? TryCreate(long limitBytes)
    {
        bool isOld = File.Exists(OldMount + "/memory.limit_in_bytes");
        string name = string.Create(CultureInfo.InvariantCulture, $"ballast-test-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}");
        string parent = isOld ? OldMount + OwnPath().TrimEnd('/') : Mount;
        try
        {
            if (!isOld)
                File.WriteAllText(parent + "/cgroup.subtree_control", "+memory");
            _ = Directory.CreateDirectory($"{parent}/{name}");
            MemoryControlGroup group = new($"{parent}/{name}", isOld);
            group.Limit(limitBytes);
            return group;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Limit(long bytes) =>
        File.WriteAllText(PathOf(_isOld ? "memory.limit_in_bytes" : "memory.max"), bytes.ToString(CultureInfo.InvariantCulture));

    /// <summary>A program that is the named one, in this group.</summary>
    public string Program(string name)
    {
        string script = _programs.File(name);
        File.WriteAllText(script, $"#!/bin/sh\necho $$ > '{PathOf("cgroup.procs")}' && exec {name} \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return script;
    }

    public void Dispose()
    {
        _programs.Dispose();
        try
        {
            Directory.Delete(_directory);
        }
        catch (IOException)
        {
            // The kernel lets go of a program's memory a moment after its end; an empty group costs nothing.
        }
    }

    private static string OwnPath() =>
        File.ReadLines("/proc/self/cgroup").Select(line => line.Split(':', 3)).First(fields => fields[1].Split(',').Contains("memory"))[2];

    private string PathOf(string name) => $"{_directory}/{name}";

    private long Number(string name) => long.Parse(File.ReadAllText(PathOf(name)), CultureInfo.InvariantCulture);
}
