using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;
using Ballast.Guests;
using Ballast.Tests.Integration;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Which processes are known to be no QEMUs, by the program that they run and by nothing else.</summary>
[Collection(ExclusiveCollection.Name)]
public sealed class OtherProgramsTests : IDisposable
{
    private const string Sleep = "/bin/sleep";

    private readonly PrivateDirectory _directory = new();
    private readonly OtherPrograms _others = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        HostCalls.Fault = null;
        _directory.Dispose();
    }

    [Fact]
    public async Task One_is_known_when_it_was_looked_at_and_another_of_the_same_program_is_not()
    {
        await using ChildProcess one = await StartAsync(Sleep), other = await StartAsync(Sleep);
        Assert.False(_others.Contains(one.Pid));
        Assert.True(_others.IsOrdinary(one.Pid));
        Assert.False(_others.IsOrdinary(other.Pid));
        _others.Add(other.Pid, isSeen: true);
        Assert.False(_others.Contains(one.Pid));
        _others.Add(one.Pid, isSeen: false);
        Assert.False(_others.Contains(one.Pid));
        _others.Add(one.Pid, isSeen: true);
        Assert.True(_others.Contains(one.Pid));
        Assert.False(_others.Contains(other.Pid));

        // Who is gone is forgotten, and runs nothing.
        _others.Keep([]);
        Assert.False(_others.Contains(one.Pid));
        one.Kill();
        await one.WaitForExitAsync(Token);
        Assert.True(_others.Contains(one.Pid));
    }

    [Theory]
    [InlineData("qemu-system-x86_64")]
    [InlineData(".qemu-system-x86_64-wrapped")]
    [InlineData("qemu-aarch64-static")]
    [InlineData("ld-linux-x86-64.so.2")]
    [InlineData("box64")]
    [InlineData("valgrind/memcheck-amd64-linux")]
    public async Task A_qemu_and_what_loads_one_are_never_known_as_others(string name)
    {
        string program = Copy(name), go = _directory.File("go");
        await using ChildProcess process = await ChildProcess.StartAsync("bash", ["-c", "until [ -e \"$0\" ]; do sleep 0.1; done; exec \"$1\" 1000", go, program]);
        Look(process.Pid);
        Assert.True(_others.Contains(process.Pid));

        await File.WriteAllTextAsync(go, "", Token);
        await Waiting.UntilAsync("the other program", () => LinuxFiles.ReadLink($"/proc/{process.Pid}/exe") == program);
        Look(process.Pid);
        Assert.False(_others.Contains(process.Pid));
        Assert.False(_others.IsOrdinary(process.Pid));

        // Updates replace the file of a program that runs.
        File.Delete(program);
        Look(process.Pid);
        Assert.False(_others.Contains(process.Pid));
    }

    [Fact]
    public async Task One_whose_file_was_replaced_is_looked_at_once_more()
    {
        string program = Copy("tool");
        await using ChildProcess process = await StartAsync(program);
        Look(process.Pid);
        Assert.True(_others.Contains(process.Pid));
        File.Delete(program);
        Look(process.Pid);
        Assert.True(_others.Contains(process.Pid));
    }

    [Fact]
    public async Task One_whose_program_this_user_may_not_know_is_looked_at_each_time()
    {
        const int accessDenied = 13;
        await using ChildProcess process = await StartAsync(Sleep);
        int calls = 0;
        HostCalls.Fault = (_, what) =>
        {
            if (what != $"/proc/{process.Pid}/exe")
                return 0;
            calls++;
            return accessDenied;
        };
        using LookTrouble trouble = new();
        for (int i = 0; i < 3; i++)
        {
            Assert.False(_others.Contains(process.Pid));
            _others.Add(process.Pid, isSeen: true);
        }

        // Which costs one call in a while, and is no news.
        Assert.Equal(1, calls);
        Assert.True(trouble is { IsAnswered: true, IsDenied: false });
    }

    [Fact]
    public async Task That_another_users_programs_are_hidden_is_met_once_in_each_look()
    {
        const int accessDenied = 13;
        const uint nobody = 65534;
        await using ChildProcess own = await StartAsync(Sleep), one = await StartAsync(Sleep, nobody), other = await StartAsync(Sleep, nobody);
        List<string> met = [];
        HostCalls.Fault = (call, what) =>
        {
            if (call != "readlink" || (what != Program(one) && what != Program(other)))
                return 0;
            met.Add(what);
            return accessDenied;
        };
        Assert.False(_others.Contains(one.Pid, out uint? owner));
        Assert.Equal((nobody, 1), (owner, met.Count));
        Assert.False(_others.Contains(other.Pid, out owner));
        Assert.Equal((nobody, 1), (owner, met.Count));
        Assert.False(_others.IsOrdinary(other.Pid));

        // Of this user's own nothing is hidden by that.
        Assert.False(_others.Contains(own.Pid));
        Assert.True(_others.IsOrdinary(own.Pid));
        _others.Keep([]);
        _ = _others.Contains(other.Pid);
        Assert.Equal([Program(one), Program(other)], met);

        static string Program(ChildProcess process) => $"/proc/{process.Pid}/exe";
    }

    private void Look(int pid)
    {
        Assert.False(_others.Contains(pid));
        _others.Add(pid, isSeen: true);
    }

    private string Copy(string name)
    {
        string path = _directory.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Copy(new FileInfo(Sleep).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Sleep, path);
        return path;
    }

    private static async Task<ChildProcess> StartAsync(string program, uint? user = null)
    {
        ChildProcess process = user is { } uid
            ? await ChildProcess.StartAsync("setpriv", [$"--reuid={uid}", $"--regid={uid}", "--clear-groups", program, "1000"])
            : await ChildProcess.StartAsync(program, ["1000"]);
        await Waiting.UntilAsync("the program", () => LinuxFiles.ReadLink($"/proc/{process.Pid}/exe")?.EndsWith(Path.GetFileName(program), StringComparison.Ordinal) == true);
        return process;
    }
}
