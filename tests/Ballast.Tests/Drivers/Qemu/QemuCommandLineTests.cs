using Ballast.Drivers.Qemu;

namespace Ballast.Tests.Drivers.Qemu;

public sealed class QemuCommandLineTests
{
    [Theory]
    [InlineData("/usr/bin/qemu-system-x86_64", true)]
    [InlineData("qemu-system-s390x", true)]
    [InlineData("/usr/libexec/qemu-kvm", true)]
    [InlineData("/usr/bin/kvm", true)]
    [InlineData("qemu", true)]
    [InlineData("/usr/bin/qemu-img", false)]
    [InlineData("qemu-system", false)]
    [InlineData("/opt/qemu-system-x86_64/run", false)]
    [InlineData("bash", false)]
    [InlineData("", false)]
    public void A_QEMU_is_known_by_its_program(string program, bool isQemu) => Assert.Equal(isQemu, Line(program).IsQemu);

    [Fact]
    public void No_arguments_are_no_QEMU()
    {
        QemuCommandLine line = new([], null);

        Assert.False(line.IsQemu);
        Assert.Null(line.Name);
        Assert.False(line.Names("/s"));
    }

    [Theory]
    [InlineData("vm1", "vm1")]
    [InlineData("vm1,process=x", "vm1")]
    [InlineData("guest=vm1,debug-threads=on", "vm1")]
    [InlineData("debug-threads=on,guest=vm1", "vm1")]
    [InlineData("guest=a,,b", "a,b")]
    [InlineData("a,,b", "a,b")]
    [InlineData("debug-threads=on", null)]
    [InlineData("guest=", null)]
    [InlineData("", null)]
    public void The_name_is_its_first_member_or_called_guest(string option, string? name) =>
        Assert.Equal(name, Line("qemu", "-name", option).Name);

    [Fact]
    public void Options_may_have_two_dashes_and_need_a_value()
    {
        Assert.Equal("vm1", Line("qemu", "--name", "vm1").Name);
        Assert.Null(Line("qemu", "-name").Name);
        Assert.Null(Line("-name", "vm1").Name);
    }

    [Theory]
    [InlineData("6fd2d2d0-0001-4a6c-9a0b-3c1c5f8f4e11", true)]
    [InlineData("00000000-0000-0000-0000-000000000000", false)]
    [InlineData("garbage", false)]
    public void A_uuid_is_one_or_none(string option, bool isOne) =>
        Assert.Equal(isOne, Line("qemu", "-uuid", option).Uuid is not null);

    [Theory]
    [InlineData("512", 512ul * 1024)]
    [InlineData("512M", 512ul * 1024)]
    [InlineData("512m", 512ul * 1024)]
    [InlineData("4G", 4ul * 1024 * 1024)]
    [InlineData("1.5G", 1536ul * 1024)]
    [InlineData("2T", 2ul * 1024 * 1024 * 1024)]
    [InlineData("2048K", 2048ul)]
    [InlineData("1048576B", 1024ul)]
    [InlineData("size=4G,slots=4,maxmem=8G", 4ul * 1024 * 1024)]
    [InlineData("4G,slots=4", 4ul * 1024 * 1024)]
    [InlineData("slots=4,size=1G", 1024ul * 1024)]
    [InlineData("slots=4", null)]
    [InlineData("0", null)]
    [InlineData("1B", null)]
    [InlineData("-1", null)]
    [InlineData("", null)]
    [InlineData("G", null)]
    [InlineData("1.2.3", null)]
    [InlineData("4GiB", null)]
    [InlineData("4 G", null)]
    [InlineData("999999999999999999T", null)]
    [InlineData("79228162514264337593543950335", null)]
    [InlineData("79228162514264337593543950335T", null)]
    [InlineData("99999999999999999999999999999999999999999999999T", null)]
    public void Memory_is_in_MiB_unless_it_says_otherwise(string option, ulong? kib) =>
        Assert.Equal(kib, Line("qemu", "-m", option).MemoryKiB);

    [Theory]
    [InlineData("unix:/run/a/qmp,server=on,wait=off", true)]
    [InlineData("unix:/run/a/qmp,server,nowait", true)]
    [InlineData("unix:qmp,server,nowait", true)]
    [InlineData("unix:./qmp,server,nowait", true)]
    [InlineData("unix:../a/qmp,server", true)]
    [InlineData("unix:/run/a/qmp", false)] // A client's.
    [InlineData("unix:/run/a/qmp2,server", false)]
    [InlineData("unix:/run/a/qm,,p,server", false)]
    [InlineData("unix:,server", false)]
    [InlineData("unix:", false)]
    [InlineData("/run/a/qmp,server", false)]
    public void A_monitor_is_named_by_its_path_or_a_relative_one(string argument, bool isNamed) =>
        Assert.Equal(isNamed, Line("qemu", "-qmp", argument).Names("/run/a/qmp"));

    [Fact]
    public void A_comma_in_a_path_is_doubled() => Assert.True(Line("qemu", "-qmp", "unix:/run/a,,b,server").Names("/run/a,b"));

    [Fact]
    public void A_relative_path_without_a_directory_names_nothing()
    {
        Assert.False(new QemuCommandLine(["qemu", "-qmp", "unix:qmp,server"], null).Names("/run/a/qmp"));
        Assert.True(new QemuCommandLine(["qemu", "-qmp", "unix:/run/a/qmp,server"], null).Names("/run/a/qmp"));
    }

    [Fact]
    public void A_process_is_read_and_one_that_is_not_there_is_not()
    {
        Assert.True(QemuCommandLine.TryRead(Environment.ProcessId, out QemuCommandLine? own));
        Assert.False(own.IsQemu);
        Assert.False(QemuCommandLine.TryRead(int.MaxValue, out _));
        Assert.False(QemuCommandLine.TryRead(-1, out _));
    }

    private static QemuCommandLine Line(params string[] arguments) => new(arguments, "/run/a");
}
