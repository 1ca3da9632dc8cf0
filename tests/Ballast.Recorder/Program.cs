using System.Globalization;
using Ballast.Guests;

namespace Ballast.Recorder;

/// <summary>
/// Records the golden frames: a private libvirtd with a Linux guest, a machine that has nothing to boot and one that does not
/// run, virsh and python3-libvirt, and a proxy in between. Needs root, libvirtd, virsh and python3-libvirt, as <c>./test</c> does.
/// </summary>
internal static class Program
{
    private static readonly Guid
        Linux = new("11111111-2222-3333-4444-555555555555"), Bare = new("22222222-2222-3333-4444-555555555555"),
        Defined = new("33333333-2222-3333-4444-555555555555");
    private static readonly TimeSpan BootDeadline = TimeSpan.FromMinutes(3);

    public static async Task<int> Main()
    {
        await using LibvirtDaemon daemon = await LibvirtDaemon.StartAsync();
        _ = await daemon.CreateDomainAsync(DomainXml.ForLinuxGuest("linux", await LinuxGuestImage.GetAsync(), periodSeconds: 1, Linux, memoryMib: 128));
        await CreateBareAsync(daemon);
        await Deadline.UntilAsync(BootDeadline, "thirteen statistics of the guest", async _ =>
            (await daemon.VirshAsync("dommemstat", "linux")).Output.Split('\n').Count(line => line.Contains(' ', StringComparison.Ordinal)) == 13,
            CancellationToken.None, TimeSpan.FromSeconds(1));

        using PrivateDirectory directory = new();
        await File.WriteAllTextAsync(directory.File("defined.xml"), DomainXml.WithoutGuest("defined", uuid: Defined));
        _ = await daemon.VirshAsync("define", directory.File("defined.xml"));
        FrameKeeper frames = new();
        await using RecordingProxy proxy = new(directory.File("sock"), daemon.SocketPath, frames);
        foreach (string line in Sessions.Virsh)
        {
            frames.Session = $"virsh {line}";
            _ = await RunAsync("virsh", ["-c", $"qemu+unix:///system?socket={directory.File("sock")}", .. line.Split(' ')]);
        }

        // A client that names nothing looks for the usual socket, and asks afterwards what it got.
        frames.Session = "virsh uri, without a name";
        _ = await RunAsync(
            "unshare",
            ["--mount", "sh", "-e", "-c", "mount -t tmpfs none /run; mkdir /run/libvirt; ln -s \"$1\" /run/libvirt/libvirt-sock; virsh uri", "sh", directory.File("sock")]);
        foreach (bool isOld in (bool[])[false, true])
        {
            proxy.HidesCallbacks = isOld;
            foreach ((string name, string script) in isOld ? Sessions.OldPython : [.. Sessions.Python, .. Sessions.Definitions])
            {
                frames.Session = name;
                CommandResult result = await RunAsync(
                    "/usr/bin/python3", ["-c", Sessions.Prelude + script, $"qemu+unix:///system?socket={directory.File("sock")}"]);
                if (result.ExitCode != 0)
                    throw new InvalidOperationException($"{name}: {result.Errors}");
                if (!(await daemon.VirshAsync("list", "--name")).Output.Contains("bare", StringComparison.Ordinal))
                    await CreateBareAsync(daemon);
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{frames.Frames.Count} frames: {RecordedFrame.Write(frames.Frames)}"));
        return 0;
    }

    private static async Task CreateBareAsync(LibvirtDaemon daemon) =>
        _ = await daemon.CreateDomainAsync(DomainXml.WithoutGuest("bare", uuid: Bare));

    private static Task<CommandResult> RunAsync(string program, string[] arguments) => ChildProcess.RunAsync(
        program, arguments, new Dictionary<string, string> { ["LC_ALL"] = "C" }, TimeSpan.FromMinutes(2));
}
