using System.Diagnostics;
using Ballast.Drivers.Qemu.Processes;
using CsCheck;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

/// <summary>Anybody can start a process with any arguments: they must cost nothing but their own reading.</summary>
public class CommandLineGarbageTests
{
    private const int MaxBytes = 1024 * 1024;

    private static readonly string[] Words =
    [
        "-", "--", "-name", "--m", "-machine", "-uuid", "-smbios", "-object", "-netdev", "-nic", "-chardev", "-mon", "-qmp", "-qmp-pretty", "-set",
        "-readconfig", "-append", "-cpu", "-smp", "-numa", "-device", "-drive", "-blockdev", "-global", "-rtc", "-vnc", "-boot", "node,cpus=", "driver", "if=pflash", "-S", "unix:", "tcp:", "mon:", "chardev:", "chardev.", "mon.", "socket", "guest", "size", "type", "id", "path", "fd",
        "server", "wait", "no", "on", "off", "control", "mode", "backend", "memory.size", "memory-backend", "m", "1", "0x", "9", "64", "G", "e", ".",
        "=", ",", ",,", "{", "}", "\"", ":", "[", "]", "[name]", "[chardev \"m\"]", "[mon]", "\n", "\0", " ", "é", "\uD800", "/dev/", "\\u0000",
    ];

    private static readonly Gen<string> Argument = Gen.OneOf(
        Gen.Int[0, Words.Length - 1].Select(i => Words[i]),
        Gen.Int[0, Words.Length - 1].Select(i => Words[i]).Array[0, 12].Select(string.Concat),
        Gen.String);

    public static TheoryData<string> Floods { get; } =
    [
        "-name a", "-m 1", "-set chardev.m.path=x", "-qmp unix:a,server", "-chardev socket,id=m", "-mon m,mode=control", "-readconfig f", "-S x",
        "-qmp chardev:m", "-object a,id=b,size=1", "-numa node,cpus=1", "-numa dist,src=0,dst=1,val=9", "-device isa-serial,chardev=m",
        "-device {\"driver\":\"ide-hd\"}", "-global a.b=c", "-drive if=pflash", "-vnc :1",
    ];

    public static TheoryData<string> Fillings { get; } = [",", ",,", "=", "a,", "a=,", "no", "{\"a\":", "[", "0", "9", ".", "\0", ":", "\"", "\n", " ", "x = \"\n", "-real"];

    private static readonly (string Option, string Start)[] Starts =
    [
        ("-name", ""), ("-m", ""), ("-m", "size=0x"), ("-uuid", ""), ("-smbios", "type=1,uuid="), ("-object", "{"), ("-netdev", ""), ("-chardev", "{"),
        ("-mon", ""), ("-qmp", "unix:"), ("-qmp", "tcp:"), ("-set", "chardev.m."), ("-cpu", "a,"), ("-numa", "node,cpus="), ("-numa", "node,cpus=1-"), ("-device", "isa-serial,"), ("-vnc", ":"),
        ("-global", "a.b="), ("-boot", ""), ("-rtc", "base="),
    ];

    [Fact]
    public void Garbage_never_throws() => Argument.Array[0, 12].Select(Argument.Array[0, 8], (arguments, file) => (arguments, file))
        .Sample(garbage => Read(garbage.arguments, string.Concat(garbage.file)), iter: 20_000);

    [Theory]
    [MemberData(nameof(Floods))]
    public void A_long_command_line_is_read_in_linear_time(string pair)
    {
        string[] parts = pair.Split(' ');
        string[] arguments = ["qemu", "-chardev", "socket,id=m,path=a,server", .. Enumerable.Repeat(parts, MaxBytes / pair.Length).SelectMany(part => part)];
        InTime(() => Read(arguments, new string('#', MaxBytes)));
    }

    [Theory]
    [MemberData(nameof(Fillings))]
    public void A_long_argument_is_read_in_linear_time(string filling)
    {
        string text = string.Concat(Enumerable.Repeat(filling, MaxBytes / filling.Length));
        foreach ((string option, string start) in Starts)
            InTime(() => Read(["qemu" + text, "-chardev", "socket,id=m", option, start + text, "-readconfig", "f"], "[name]\n" + text));
    }

    private static void Read(string[] arguments, string file)
    {
        QemuCommandLine line = new(arguments, "/home/vm", _ => file, "/");
        _ = (line.IsQemu, line.Name, line.Uuid, line.MemoryKiB, line.NetworkKinds().Count, line.UnreadConfiguration, DomainXmlTests.Describe(line.Machine));
        Assert.All(line.Monitors, monitor => _ = line.AbsolutePath(monitor));
        foreach (var monitor in line.Monitors)
            _ = line.AbsolutePath(monitor);
    }

    // A quadratic reading of this much takes minutes; a busy machine may take its time for a linear one.
    private static void InTime(Action read)
    {
        long start = Stopwatch.GetTimestamp();
        read();
        Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(60));
    }
}
