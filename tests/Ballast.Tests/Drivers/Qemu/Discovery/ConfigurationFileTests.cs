using Ballast.Drivers.Qemu.Discovery;
using Ballast.Drivers.Qemu.Processes;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

public class ConfigurationFileTests
{
    private const string Monitor =
        """
        [chardev "m"]
          backend = "socket"
          path = "s"
          server = "on"
          wait = "off"

        """;

    [Theory]
    [InlineData("[name]\n  guest = \"a\"\n", "a")]
    [InlineData("[name]\n  guest = \"a\"", "a")]
    [InlineData("[name]\r\n guest = \"a\"\r\n", "a")]
    [InlineData("[name]\nguest\t=\t\"a\"\n", "a")]
    [InlineData("# x\n[name] # y\n guest = \"a\" # z\n", "a")]
    [InlineData("[name]\n\n# guest = \"b\"\n guest = \"a,b\"\n", "a,b")]
    [InlineData("[name]\n guest = \"a\"b\"\n", "a")]
    [InlineData("[name]\n guest = \"a\"\n guest = \"b\"\n", "b")]
    [InlineData("[name]\n guest = \"a\"\n[name]\n guest = \"b\"\n", "b")]
    [InlineData("[name]\n guest = a\n", null)] // Without quotes it is empty to QEMU.
    [InlineData("[name]\n guest=\"a\"\n", null)]
    [InlineData(" [name]\n guest = \"a\"\n", null)]
    [InlineData("[ name ]\n guest = \"a\"\n", null)]
    [InlineData("[name]\n guest = \"a\n", "a")]
    [InlineData("[name\n guest = \"a\"\n", null)]
    [InlineData("guest = \"a\"\n", null)]
    [InlineData("", null)]
    public void A_file_is_read_as_QEMU_reads_it(string text, string? name) => Assert.Equal(name, Line(text, "-readconfig", "f").Name);

    [Fact]
    public void A_file_counts_where_it_stands()
    {
        const string file = "[name]\n guest = \"a\"\n[memory]\n size = \"64\"\n";
        Assert.Equal("a", Line(file, "-name", "b", "-readconfig", "f").Name);
        Assert.Equal("b", Line(file, "-readconfig", "f", "-name", "b").Name);
        Assert.Equal("a", Line(file, "-readconfig", "f", "-name", "process=b").Name);
        Assert.Equal(64ul * 1024, Line(file, "-m", "32", "-readconfig", "f").MemoryKiB?.Value);
        Assert.Equal(32ul * 1024, Line(file, "-readconfig", "f", "-m", "32").MemoryKiB?.Value);
        Assert.Equal(32ul * 1024, Line("[memory]\n maxmem = \"1G\"\n", "-m", "32", "-readconfig", "f").MemoryKiB?.Value);
        Assert.Equal(64ul * 1024, Line("[machine]\n memory.size = \"64M\"\n", "-readconfig", "f").MemoryKiB?.Value);
    }

    [Theory]
    [InlineData(Monitor + "[mon]\n chardev = \"m\"\n mode = \"control\"\n")]
    [InlineData(Monitor + "[mon \"q\"]\n chardev = \"m\"\n mode = \"control\"\n")]
    [InlineData("[mon]\n chardev = \"m\"\n mode = \"control\"\n", "-chardev", "socket,id=m,path=s,server=on,wait=off")]
    [InlineData(Monitor, "-mon", "m,mode=control")]
    [InlineData(Monitor, "-qmp", "chardev:m")]
    [InlineData(Monitor + "[mon \"q\"]\n chardev = \"m\"\n", "-set", "mon.q.mode=control")]
    public void Monitors_and_their_devices_may_stand_in_a_file(string text, params string[] arguments)
    {
        MonitorSocket monitor = Assert.Single(Line(text, ["-readconfig", "f", .. arguments]).Monitors);
        Assert.Equal((MonitorKind.Unix, "s", "m", false), (monitor.Kind, monitor.Path, monitor.ChardevId, monitor.WaitsForClient));
    }

    [Fact]
    public void A_network_back_end_and_a_memory_back_end_may_stand_in_a_file()
    {
        QemuCommandLine line = Line(
            "[netdev \"n\"]\n type = \"tap\"\n[object \"r\"]\n qom-type = \"memory-backend-ram\"\n size = \"64M\"\n[machine]\n memory-backend = \"r\"\n",
            "-readconfig", "f");
        Assert.Equal("tap", line.NetworkKinds()["n"]);
        Assert.Equal(64ul * 1024, line.MemoryKiB?.Value);
    }

    [Fact]
    public void A_file_that_may_not_be_read_is_told()
    {
        string[] arguments = ["qemu", "-name", "a", "-readconfig", "one", "-readconfig", "two"];
        Assert.Equal("one", new QemuCommandLine(arguments, null).UnreadConfiguration);
        Assert.Equal("two", new QemuCommandLine(arguments, null, path => path == "one" ? "" : null).UnreadConfiguration);
        Assert.Equal("one", new QemuCommandLine(arguments, null, _ => new string('#', (1024 * 1024) + 1)).UnreadConfiguration);
        QemuCommandLine forbidden = new(arguments, null, _ => throw new UnauthorizedAccessException());
        Assert.Equal(("one", "a"), (forbidden.UnreadConfiguration, forbidden.Name));
        Assert.Null(new QemuCommandLine(arguments, null, _ => "").UnreadConfiguration);
    }

    [Theory]
    [InlineData("-name b -readconfig f -name process=b", "a InFile", "64 InFile", "2 InFile")]
    [InlineData("-readconfig f -name b -m 32 -smp 4", "b Said", "32 Said", "4 Said")]
    [InlineData("-name b -m 32 -smp 4", "b Said", "32 Said", "4 Said")]
    [InlineData("-name b -m 32 -smp 4 -readconfig gone", "b BeforeUnread", "32 BeforeUnread", "4 BeforeUnread")]
    [InlineData("-readconfig gone -name b -m 32 -smp 4", "b Said", "32 Said", "4 Said")]
    [InlineData("-readconfig f -readconfig gone", "a BeforeUnread", "64 BeforeUnread", "2 BeforeUnread")]
    [InlineData("-readconfig gone -readconfig f", "a InFile", "64 InFile", "2 InFile")]
    [InlineData("-readconfig gone -smp cores=4", "", "", "4 BeforeUnread")]
    [InlineData("-readconfig gone -M q35,memory.size=32M", "", "32 BeforeUnread", "1 BeforeUnread")]
    [InlineData("-readconfig gone -M q35,smp.cpus=4", "", "", "4 Said")]
    [InlineData("-name b -m 32 -readconfig empty", "b Said", "32 Said", "1 Said")]
    [InlineData("-name b -m 32 -readconfig doubtful -daemonize", "b BeforeUnread", "32 BeforeUnread", "1 BeforeUnread")]
    [InlineData("-name b -m 32 -readconfig /f -daemonize", "a InFile", "64 InFile", "2 InFile")]
    [InlineData("-name b -m 32 -readconfig /empty -daemonize", "b BeforeUnread", "32 BeforeUnread", "1 BeforeUnread")]
    [InlineData("-daemonize -readconfig /empty -name b -m 32 -smp 4", "b Said", "32 Said", "4 Said")]
    public void A_word_is_as_sure_as_nothing_behind_it_may_say_otherwise(string arguments, string name, string mebibytes, string cpus)
    {
        QemuCommandLine line = new(["qemu", .. arguments.Split(' ')], null, path => path.TrimStart('/') switch
        {
            "f" => "[name]\n guest = \"a\"\n[memory]\n size = \"64\"\n[smp-opts]\n cpus = \"2\"\n",
            "empty" => "",
            "doubtful" => new ConfigurationText("[name]\n guest = \"a\"\n", IsCertain: false),
            _ => null,
        });
        Assert.Equal(name, line.NameWord is { } word ? $"{word.Value} {word.Certainty}" : "");
        Assert.Equal(mebibytes, line.MemoryKiB is { } kib ? $"{kib.Value / 1024} {kib.Certainty}" : "");
        Assert.Equal(cpus, $"{line.VirtualCpus.Value} {line.VirtualCpus.Certainty}");
        Assert.Equal(line.UnreadConfiguration is not null, line.HasMemorySlots);
    }

    [Theory]
    [InlineData("-serial unix:s,server=on,wait=off", false)]
    [InlineData("-chardev socket,id=c,path=s,server=on,wait=off", true)]
    [InlineData("-chardev socket,id=c,path=s,server=on", false)]
    [InlineData("-chardev socket,id=c,path=s,server=on,wait=off -device virtserialport,chardev=c,name=x", false)]
    [InlineData("-chardev socket,id=c,path=s,server=on,wait=off -serial chardev:c", false)]
    [InlineData("-chardev socket,id=c,path=s,server=on,wait=off -mon chardev=c,mode=readline", false)]
    public void What_the_command_line_uses_otherwise_no_file_makes_a_monitor(string arguments, bool mayBecome)
    {
        string[] all = ["qemu", "-readconfig", "f", .. arguments.Split(' ')];
        QemuCommandLine unread = new(all, null);
        Assert.Equal((true, mayBecome), (unread.Mentions("s"), unread.MayBecomeMonitor("s")));
        Assert.False(new QemuCommandLine(all, null, _ => "").MayBecomeMonitor("s"));
    }

    [Fact]
    public void A_command_line_cannot_have_many_files_read()
    {
        int count = 0;
        _ = new QemuCommandLine(["qemu", .. Enumerable.Repeat<string[]>(["-readconfig", "f"], 1000).SelectMany(pair => pair)], null, _ => $"{++count}").Name;
        Assert.InRange(count, 1, 16);
    }

    private static QemuCommandLine Line(string text, params string[] arguments) =>
        new(["qemu", .. arguments], null, path => path == "f" ? text : null);

    [Theory]
    [InlineData("vm.cfg", "", true)]
    [InlineData("/etc/vm.cfg", "-daemonize", true)]
    [InlineData("vm.cfg", "-daemonize", false)]
    [InlineData("/etc/vm.cfg", "-chroot /srv", false)]
    [InlineData("/etc/vm.cfg", "-run-with user=nobody,chroot=/srv", false)]
    [InlineData("/etc/vm.cfg", "-run-with user=nobody", true)]
    public void What_a_path_led_to_that_began_elsewhere_is_not_known(string path, string options, bool isRead)
    {
        QemuCommandLine line = new(
            ["qemu", "-readconfig", path, .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)], null, _ => "[name]\n guest = \"vm\"\n");
        Assert.Equal((isRead ? "vm" : null, isRead ? null : path), (line.Name, line.UnreadConfiguration));
    }
}
