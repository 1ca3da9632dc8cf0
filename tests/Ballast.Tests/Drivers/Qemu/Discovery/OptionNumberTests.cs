using Ballast.Drivers.Qemu.Discovery;

namespace Ballast.Tests.Drivers.Qemu.Discovery;

public sealed class OptionNumberTests
{
    [Theory]
    [InlineData("0", 0UL)]
    [InlineData("49297", 49297UL)]
    [InlineData(" +7", 7UL)]
    [InlineData("0x5000c500155e5d42", 0x5000c500155e5d42UL)]
    [InlineData("0XfF", 255UL)]
    [InlineData("013", 11UL)]
    [InlineData("01777777777777777777777", ulong.MaxValue)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    [InlineData("02000000000000000000000", null)]
    [InlineData("18446744073709551616", null)]
    [InlineData("0x", null)]
    [InlineData("08", null)]
    [InlineData("-1", null)]
    [InlineData("1k", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void A_number_is_read_as_QEMU_reads_it(string? text, ulong? number) => Assert.Equal(number, OptionNumber.Parse(text));

    [Theory]
    [InlineData("0x10", "16")]
    [InlineData("010", "8")]
    [InlineData("auto", "auto")]
    [InlineData(null, null)]
    public void A_number_is_written_in_decimal_digits(string? text, string? written) => Assert.Equal(written, OptionNumber.Decimal(text));

    [Theory]
    [InlineData("0644", "0644")]
    [InlineData("420", "0644")]
    [InlineData("010000", null)]
    [InlineData(null, null)]
    public void A_mode_is_written_in_octal_digits(string? text, string? written) => Assert.Equal(written, OptionNumber.FileMode(text));
}
