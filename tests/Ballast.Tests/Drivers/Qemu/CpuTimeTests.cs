using System.Globalization;
using System.Text;
using Ballast.Drivers.Qemu.Processes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>The kernel counts in hundredths of a second; not a nanosecond of that is lost.</summary>
public sealed class CpuTimeTests
{
    private const int NameField = 1, UserField = 13, SystemField = 14, Fields = 52;

    [Fact]
    public void Times_are_whole_hundredths()
    {
        const long nanosecondsPerTick = 10_000_000;
        for (long ticks = 0; ticks < 100_000; ticks++)
        {
            (TimeSpan user, TimeSpan system) = Read($"{ticks}", $"{ticks * 3}");
            Assert.Equal((ticks * nanosecondsPerTick, ticks * 3 * nanosecondsPerTick), (user.Ticks * TimeSpan.NanosecondsPerTick, system.Ticks * TimeSpan.NanosecondsPerTick));
        }
    }

    [Theory]
    [InlineData("18446744073709551615")]
    [InlineData("9223372036854775807")]
    [InlineData("99999999999999999999999")]
    [InlineData("-1")]
    [InlineData("")]
    public void Impossible_numbers_of_the_kernel_break_nothing(string number)
    {
        (TimeSpan user, TimeSpan system) = Read(number, number);
        Assert.True(user + system >= TimeSpan.Zero);
    }

    private static (TimeSpan User, TimeSpan System) Read(string user, string system)
    {
        string[] fields = [.. Enumerable.Range(1, Fields).Select(field => field.ToString(CultureInfo.InvariantCulture))];
        (fields[NameField], fields[UserField], fields[SystemField]) = ("(a program)", user, system);
        ProcessStat told = ProcessStat.Parse(Encoding.UTF8.GetBytes(string.Join(' ', fields) + "\n"))!;
        return (told.UserTime, told.SystemTime);
    }
}
