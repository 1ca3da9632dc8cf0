using Ballast.Drivers.Qemu.Processes;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

public class GuestMemoryOptionTests
{
    private const ulong Mebi = 1024;

    [Theory]
    [InlineData("512", 512 * Mebi)]
    [InlineData("512M", 512 * Mebi)]
    [InlineData("512m", 512 * Mebi)]
    [InlineData("4G", 4096 * Mebi)]
    [InlineData("1.5G", 1536 * Mebi)]
    [InlineData("1.G", 1024 * Mebi)]
    [InlineData(".5G", 512 * Mebi)]
    [InlineData("64.0", 64 * Mebi)]
    [InlineData("0.0625g", 64 * Mebi)]
    [InlineData("2T", 2ul * 1024 * 1024 * Mebi)]
    [InlineData("1P", 1024ul * 1024 * 1024 * Mebi)]
    [InlineData("1E", 1024ul * 1024 * 1024 * 1024 * Mebi)]
    [InlineData("2048K", 2048ul)]
    [InlineData("1048576B", 1024ul)]
    [InlineData("040", 40 * Mebi)] // No octal number.
    [InlineData("+64", 64 * Mebi)]
    [InlineData(" 64", 64 * Mebi)]
    [InlineData("0x40", 64 * Mebi)]
    [InlineData("0X40M", 64 * Mebi)]
    [InlineData("0x100000b", 16392ul)] // The b is a digit.
    [InlineData("0x4f", 8ul)] // Ends in no digit, so it is bytes.
    [InlineData("64.", 8ul)]
    [InlineData("1b", 8ul)] // Rounded up.
    [InlineData("65537k", 65544ul)]
    [InlineData("0.1G", 104864ul)]
    [InlineData("size=4G,slots=4,maxmem=8G", 4096 * Mebi)]
    [InlineData("4G,slots=4", 4096 * Mebi)]
    [InlineData("slots=4,size=1G", 1024 * Mebi)]
    [InlineData("64,size=32", 32 * Mebi)]
    [InlineData("64,", 64 * Mebi)]
    [InlineData("slots=4", null)]
    [InlineData("0", null)]
    [InlineData("0.000000000000000000000000000000000000001G", null)]
    [InlineData("-1", null)]
    [InlineData("", null)]
    [InlineData("size=", null)]
    [InlineData("size", null)]
    [InlineData("G", null)]
    [InlineData(".", null)]
    [InlineData(".G", null)]
    [InlineData("64.5", null)]
    [InlineData("1.5b", null)]
    [InlineData("1.2.3", null)]
    [InlineData("1e2", null)]
    [InlineData("0x", null)]
    [InlineData("0x4.0", null)]
    [InlineData("inf", null)]
    [InlineData("4GiB", null)]
    [InlineData("64MB", null)]
    [InlineData("4 G", null)]
    [InlineData("64 ", null)]
    [InlineData("64e", null)]
    [InlineData("18446744073709551616b", null)]
    [InlineData("999999999999999999T", null)]
    [InlineData("79228162514264337593543950335T", null)]
    [InlineData("{\"size\":64}", null)]
    public void Memory_is_in_MiB_unless_it_says_otherwise(string option, ulong? kib) => Assert.Equal(kib, Of("-m", option));

    [Theory]
    [InlineData("64", "32", 32 * Mebi)]
    [InlineData("size=64", "maxmem=1G,slots=2", 64 * Mebi)]
    [InlineData("maxmem=1G,slots=2", "64", 64 * Mebi)]
    [InlineData("64", "", 64 * Mebi)]
    [InlineData("64", "0", null)] // The machine's default.
    public void Options_that_are_repeated_merge(string first, string second, ulong? kib) => Assert.Equal(kib, Of("-m", first, "-m", second));

    [Fact]
    public void Without_the_option_the_machine_tells_or_its_back_end_and_else_nobody_knows()
    {
        Assert.Equal(64 * Mebi, Of("-M", "q35,memory.size=64M"));
        Assert.Equal(64 * Mebi, Of("-machine", "q35", "-machine", "memory.size=0x4000000"));
        Assert.Equal(32 * Mebi, Of("-m", "32", "-machine", "q35,memory.size=64M"));
        Assert.Equal(64 * Mebi, Of("-machine", "q35,memory.size=64M", "-m", "slots=2,maxmem=1G"));
        Assert.Equal(64 * Mebi, Of("-machine", "q35,memory-backend=ram", "-object", "memory-backend-memfd,id=ram,size=64M,share=on"));
        Assert.Equal(64 * Mebi, Of(
            "-machine", "q35,memory-backend=ram", "-object", """{"qom-type":"memory-backend-ram","id":"ram","size":67108864}"""));
        Assert.Null(Of("-machine", "q35,memory-backend=other", "-object", "memory-backend-memfd,id=ram,size=64M"));
        Assert.Equal(64 * Mebi, Of("-machine", "q35,memory.size=64M", "-m", "0"));
        Assert.Null(Of("-M", "q35"));
    }

    private static ulong? Of(params string[] arguments) => new QemuCommandLine(["qemu", .. arguments], null).MemoryKiB?.Value;
}
