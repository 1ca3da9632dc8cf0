namespace Ballast.Tests.Drivers;

/// <summary>What callers give and get in .NET's own shapes: periods, versions, errors.</summary>
[Collection(TestDriverTests.Shared)]
public sealed class PublicShapeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1.5)]
    [InlineData(0.001)]
    [InlineData(int.MaxValue + 1.0)]
    public async Task A_period_that_no_hypervisor_can_have_is_refused(double seconds)
    {
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        Domain domain = await connection.LookupByNameAsync("test", Token);
        TimeSpan period = TimeSpan.FromSeconds(seconds);
        Assert.Equal("period", (await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await domain.SetMemoryStatsPeriodAsync(period, cancellationToken: Token))).ParamName);
        Assert.Equal("period", (await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await domain.EnsureMemoryStatsPeriodAsync(period, Token))).ParamName);
        Assert.Equal(TimeSpan.Zero, await domain.GetMemoryStatsPeriodAsync(Token));
    }

    [Fact]
    public async Task The_longest_period_is_libvirts()
    {
        await using Connection connection = await Connection.OpenAsync("test:///default", cancellationToken: Token);
        Domain domain = await connection.LookupByNameAsync("test", Token);
        TimeSpan longest = TimeSpan.FromSeconds(int.MaxValue);
        await domain.SetMemoryStatsPeriodAsync(longest, cancellationToken: Token);
        Assert.Equal(longest, await domain.GetMemoryStatsPeriodAsync(Token));
    }

    [Theory]
    [InlineData(9_000_000, "9.0.0")]
    [InlineData(7_002_022, "7.2.22")]
    [InlineData(2, "0.0.2")]
    [InlineData(2_147_483_647_999_999, "2147483647.999.999")]
    public void Libvirts_versions_are_versions(ulong number, string version)
    {
        Assert.Equal(new Version(version), LibvirtVersion.FromNumber(number));
        Assert.Equal(number, LibvirtVersion.ToNumber(new Version(version)));
    }

    [Fact]
    public void A_number_that_is_no_version_is_an_error() =>
        Assert.Equal(ErrorOrigin.Rpc, Assert.Throws<LibvirtException>(() => LibvirtVersion.FromNumber(ulong.MaxValue)).Origin);

    [Fact]
    public void Who_tests_against_the_library_can_make_its_errors()
    {
        LibvirtException error = new(ErrorCode.NoDomain, ErrorOrigin.Qemu, "Domain not found: vm1") { Str1 = "Domain not found: %s", Str2 = "vm1" };
        Assert.Equal(
            (ErrorCode.NoDomain, ErrorOrigin.Qemu, ErrorLevel.Error, "Domain not found: vm1", "vm1", -1),
            (error.Code, error.Origin, error.Level, error.Message, error.Str2, error.Int1));
    }
}
