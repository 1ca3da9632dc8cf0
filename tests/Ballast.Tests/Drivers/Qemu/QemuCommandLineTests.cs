using Ballast.Drivers.Qemu.Processes;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class QemuCommandLineTests
{
    private const string Uuid1 = "6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e11", Uuid2 = "6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e12";

    [Theory]
    [InlineData("/usr/bin/qemu-system-x86_64", true)]
    [InlineData("qemu-system-s390x", true)]
    [InlineData("/usr/libexec/qemu-kvm", true)]
    [InlineData("/usr/bin/kvm", true)]
    [InlineData("kvm-spice", true)]
    [InlineData("qemu", true)]
    [InlineData("/nix/store/x/bin/.qemu-system-x86_64-wrapped", true)]
    [InlineData(".qemu-system-x86_64-wrapped_", true)]
    [InlineData("..qemu-system-x86_64-wrapped-wrapped", true)]
    [InlineData(".qemu-kvm-wrapped", true)]
    [InlineData("/gnu/store/x/bin/.qemu-system-x86_64-real", true)]
    [InlineData("qemu-system-x86_64.distrib", true)]
    [InlineData("qemu-system-x86_64-headless", true)] // The Android emulator's.
    [InlineData("/opt/kata/bin/qemu-system-x86_64-tdx-experimental", true)]
    [InlineData("/usr/bin/qemu-img", false)]
    [InlineData("qemu-ga", false)]
    [InlineData("qemu-nbd", false)]
    [InlineData("qemu-storage-daemon", false)]
    [InlineData("qemu-x86_64", false)] // Runs a program, no guest.
    [InlineData(".qemu-img-wrapped", false)]
    [InlineData(".qemu-system-x86_64.swp", false)]
    [InlineData(".qemu", false)]
    [InlineData("qemu-system", false)]
    [InlineData("qemu-system-", false)]
    [InlineData("/opt/qemu-system-x86_64/run", false)]
    [InlineData("kvm-ok", false)]
    [InlineData("bash", false)]
    [InlineData("...", false)]
    [InlineData("", false)]
    public void A_QEMU_is_known_by_its_program(string program, bool isQemu) => Assert.Equal(isQemu, Line(program).IsQemu);

    [Fact]
    public void No_arguments_are_no_QEMU()
    {
        QemuCommandLine line = new([], null);

        Assert.False(line.IsQemu);
        Assert.Null(line.Name);
        Assert.Empty(line.Monitors);
    }

    [Theory]
    [InlineData("vm1", "vm1")]
    [InlineData("vm1,process=x", "vm1")]
    [InlineData("guest=vm1,debug-threads=on", "vm1")]
    [InlineData("debug-threads=on,guest=vm1", "vm1")]
    [InlineData("guest=a,,b", "a,b")]
    [InlineData("a,,b", "a,b")]
    [InlineData("a,,b=c", "a,b=c")]
    [InlineData("a,,,process=x", "a,")]
    [InlineData("guest=a=b", "a=b")]
    [InlineData("guest=a,guest=b", "b")]
    [InlineData("a,guest=b", "b")]
    [InlineData(",guest=a", "a")]
    [InlineData("a,", "a")]
    [InlineData("guest", "guest")]
    [InlineData("a,noguest", "off")]
    [InlineData("{\"guest\":\"a\"}", "{\"guest\":\"a\"}")]
    [InlineData("debug-threads=on", null)]
    [InlineData("guest=", null)]
    [InlineData("", null)]
    public void The_name_is_its_first_member_or_called_guest(string option, string? name) =>
        Assert.Equal(name, Line("qemu", "-name", option).Name);

    [Theory]
    [InlineData("a", "b", "b")]
    [InlineData("a", "process=b", "a")]
    [InlineData("process=b", "a", "a")]
    [InlineData("a", "guest=", null)]
    [InlineData("a", "", "a")]
    public void Names_that_are_repeated_merge(string first, string second, string? name) =>
        Assert.Equal(name, Line("qemu", "-name", first, "-name", second).Name);

    [Fact]
    public void Options_may_have_two_dashes_and_need_a_value()
    {
        Assert.Equal("vm1", Line("qemu", "--name", "vm1").Name);
        Assert.Null(Line("qemu", "---name", "vm1").Name);
        Assert.Null(Line("qemu", "-name").Name);
        Assert.Null(Line("qemu", "-name=vm1").Name);
        Assert.Null(Line("-name", "vm1").Name);
    }

    [Fact]
    public void An_options_value_is_no_option_whatever_it_looks_like()
    {
        Assert.Equal("right", Line("qemu", "-name", "right", "-append", "-name", "wrong").Name);
        Assert.Equal("-name", Line("qemu", "-name", "-name", "wrong").Name);
        Assert.Equal("right", Line("qemu", "-append", "-name wrong", "-name", "right").Name);
        Assert.Empty(Line("qemu", "-fw_cfg", "-qmp", "unix:/run/a,server=on").Monitors);
    }

    [Fact]
    public void Options_without_a_value_and_disk_images_hide_nothing()
    {
        Assert.Equal("right", Line("qemu", "-S", "-name", "right").Name);
        Assert.Equal("right", Line("qemu", "-of-a-later-version", "-name", "right").Name);
        Assert.Equal("right", Line("qemu", "disk.img", "-name", "right", "disk.img").Name);
    }

    [Theory]
    [InlineData(Uuid1, true)]
    [InlineData("6FD2D2D0-0001-4A6C-9A0B-3C1C5F8F4E11", true)]
    [InlineData("00000000-0000-0000-0000-000000000000", false)]
    [InlineData("6fd2d2d000014a6c9a0b3c1c5f8f4e11", false)]
    [InlineData("{" + Uuid1 + "}", false)]
    [InlineData(" " + Uuid1, false)]
    [InlineData("0xd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e11", false)]
    [InlineData("garbage", false)]
    public void A_uuid_is_one_or_none(string option, bool isOne) =>
        Assert.Equal(isOne, Line("qemu", "-uuid", option).Uuid is not null);

    [Fact]
    public void Of_two_uuids_the_last_counts_and_that_of_the_system_table_is_one()
    {
        Assert.Equal(Guid.Parse(Uuid2), Line("qemu", "-uuid", Uuid1, "-uuid", Uuid2).Uuid);
        Assert.Equal(Guid.Parse(Uuid2), Line("qemu", "-uuid", Uuid1, "-smbios", $"type=1,uuid={Uuid2}").Uuid);
        Assert.Equal(Guid.Parse(Uuid1), Line("qemu", "-smbios", $"type=0x1,uuid={Uuid2}", "-uuid", Uuid1).Uuid);
        Assert.Equal(Guid.Parse(Uuid1), Line("qemu", "-uuid", Uuid1, "-smbios", "type=1,serial=5").Uuid);
        Assert.Equal(Guid.Parse(Uuid1), Line("qemu", "-uuid", Uuid1, "-smbios", $"type=2,uuid={Uuid2}").Uuid);
        Assert.Null(Line("qemu", "-uuid", Uuid1, "-uuid", Guid.Empty.ToString()).Uuid);
    }

    [Theory]
    [InlineData("unix:/run/a/qmp,server=on,wait=off", true)]
    [InlineData("unix:/run/a/qmp,server,nowait", true)]
    [InlineData("unix:qmp,server,nowait", true)]
    [InlineData("unix:./qmp,server,nowait", true)]
    [InlineData("unix:../a/qmp,server", true)]
    [InlineData("unix:/run/a/qmp", false)] // A client's.
    [InlineData("unix:/run/a/qmp,server,abstract=on", false)]
    [InlineData("unix:/run/a/qmp2,server", false)]
    [InlineData("unix:/run/a/qm,,p,server", false)]
    [InlineData("unix:,server", false)]
    [InlineData("unix:", false)]
    [InlineData("/run/a/qmp,server", false)]
    public void A_monitor_is_named_by_its_path_or_a_relative_one(string argument, bool isNamed) =>
        Assert.Equal(isNamed, Names(Line("qemu", "-qmp", argument), "/run/a/qmp"));

    [Fact]
    public void A_comma_in_a_path_is_doubled() => Assert.True(Names(Line("qemu", "-qmp", "unix:/run/a,,b,server"), "/run/a,b"));

    [Fact]
    public void A_relative_path_without_a_directory_names_nothing()
    {
        Assert.False(Names(new QemuCommandLine(["qemu", "-qmp", "unix:qmp,server"], null), "/run/a/qmp"));
        Assert.True(Names(new QemuCommandLine(["qemu", "-qmp", "unix:/run/a/qmp,server"], null), "/run/a/qmp"));
    }

    [Fact]
    public void A_path_is_against_the_directory_of_now_and_where_it_was_started_is_told_beside()
    {
        QemuCommandLine daemon = new(["qemu", "-qmp", "unix:qmp,server"], "/", launchDirectory: "/run/a");
        Assert.Equal("/run/a", daemon.LaunchDirectory);
        Assert.Equal("/qmp", daemon.AbsolutePath(Assert.Single(daemon.Monitors)));
    }

    [Fact]
    public void Network_back_ends_are_known_by_their_ids()
    {
        IReadOnlyDictionary<string, string> kinds = Line(
            "qemu", "-netdev", "user,id=a", "-netdev", """{"type":"tap","fds":"3:4","vhost":true,"id":"b"}""",
            "-nic", "bridge,id=c,model=virtio", "-net", "nic,id=card", "-nic", "none", "-netdev", "id=d,type=passt", "-netdev", "{").NetworkKinds();
        Assert.Equal(
            [("a", "user"), ("b", "tap"), ("c", "bridge"), ("d", "passt")],
            kinds.OrderBy(kind => kind.Key, StringComparer.Ordinal).Select(kind => (kind.Key, kind.Value)));
    }

    [Fact]
    public void A_process_is_read_and_one_that_is_not_there_is_not()
    {
        Assert.True(QemuCommandLine.TryRead(Environment.ProcessId, out QemuCommandLine? own));
        Assert.False(own.IsQemu);
        Assert.Equal(Environment.CurrentDirectory, own.WorkingDirectory);
        // Another user may read its command line, but not where it is.
        Assert.True(QemuCommandLine.TryRead(1, out _));
        Assert.False(QemuCommandLine.TryRead(int.MaxValue, out _));
        Assert.False(QemuCommandLine.TryRead(-1, out _));
    }

    [Theory]
    [InlineData("unix:/run/a,server=on", "/run/a", true)]
    [InlineData("socket,id=c,path=/run/a", "/run/a", true)]
    [InlineData("/run/a", "/run/a", true)]
    [InlineData("""{"path":"/run/a"}""", "/run/a", true)]
    [InlineData("socket,path=/run/a,,b,server=on", "/run/a,b", true)]
    [InlineData("socket,path=/run/a2,logfile=/run/a", "/run/a", true)]
    [InlineData("unix:/run/a.log,server=on", "/run/a", false)]
    [InlineData("unix:/run/a,,b,server=on", "/run/a", false)]
    [InlineData("unix:/var/run/a,server=on", "/run/a", false)]
    [InlineData("socket,path=/run/a2", "/run/a", false)]
    [InlineData("unix:/run/a", "", false)]
    public void A_path_is_mentioned_where_it_stands_as_a_whole(string argument, string path, bool isMentioned) =>
        Assert.Equal(isMentioned, Line("qemu", "-x", argument).Mentions(path));

    private static QemuCommandLine Line(params string[] arguments) => new(arguments, "/run/a");

    private static bool Names(QemuCommandLine line, string path) =>
        line.Monitors.Any(monitor => line.AbsolutePath(monitor) is { } absolute && Path.GetFullPath(absolute) == path);
}
