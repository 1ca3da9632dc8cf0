using Ballast.Drivers;

namespace Ballast.Tests.Drivers;

public class DriverSeamTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, Func<Connection, Domain, ValueTask>> Calls { get; } = new()
    {
        { "virConnectGetVersion", async (connection, _) => await connection.GetVersionAsync(Token) },
        { "virConnectListAllDomains", async (connection, _) => await connection.ListDomainsAsync(cancellationToken: Token) },
        { "virDomainLookupByID", async (connection, _) => await connection.LookupByIdAsync(1, Token) },
        { "virDomainLookupByName", async (connection, _) => await connection.LookupByNameAsync("x", Token) },
        { "virDomainLookupByUUID", async (connection, _) => await connection.LookupByUuidAsync(Guid.Empty, Token) },
        { "virConnectGetAllDomainStats", async (connection, _) => await connection.GetAllDomainStatsAsync(cancellationToken: Token) },
        { "virNodeGetSecurityModel", async (connection, _) => await connection.GetSecurityModelAsync(Token) },
        { "virDomainGetInfo", async (_, domain) => await domain.GetInfoAsync(Token) },
        { "virDomainGetState", async (_, domain) => await domain.GetStateAsync(Token) },
        { "virDomainGetOSType", async (_, domain) => await domain.GetOSTypeAsync(Token) },
        { "virDomainIsPersistent", async (_, domain) => await domain.IsPersistentAsync(Token) },
        { "virDomainGetAutostart", async (_, domain) => await domain.GetAutostartAsync(Token) },
        { "virDomainHasManagedSaveImage", async (_, domain) => await domain.HasManagedSaveImageAsync(Token) },
        { "virDomainGetSecurityLabel", async (_, domain) => await domain.GetSecurityLabelAsync(Token) },
        { "virDomainGetVcpus", async (_, domain) => await domain.GetVirtualCpusAsync(Token) },
        { "virDomainGetVcpuPinInfo", async (_, domain) => await domain.GetVirtualCpuAffinitiesAsync(cancellationToken: Token) },
        { "virDomainGetSchedulerType", async (_, domain) => await domain.GetSchedulerTypeAsync(Token) },
        { "virDomainGetMemoryParameters", async (_, domain) => await domain.GetMemoryLimitsAsync(cancellationToken: Token) },
        { "virDomainGetMaxVcpus", async (_, domain) => await domain.GetMaxVirtualCpusAsync(Token) },
        { "virDomainGetVcpusFlags", async (_, domain) => await domain.GetVirtualCpuCountAsync(cancellationToken: Token) },
        { "virDomainGetMetadata", async (_, domain) => await domain.GetMetadataAsync(DomainMetadataType.Title, cancellationToken: Token) },
        { "virDomainGetJobInfo", async (_, domain) => await domain.GetJobInfoAsync(Token) },
        { "virDomainGetJobStats", async (_, domain) => await domain.GetJobStatsAsync(cancellationToken: Token) },
        { "virDomainGetControlInfo", async (_, domain) => await domain.GetControlInfoAsync(Token) },
        { "virDomainGetSchedulerParameters", async (_, domain) => await domain.GetSchedulerParametersAsync(cancellationToken: Token) },
        { "virDomainGetNumaParameters", async (_, domain) => await domain.GetNumaParametersAsync(cancellationToken: Token) },
        { "virDomainGetCPUStats", async (_, domain) => await domain.GetCpuTotalsAsync(Token) },
        { "virDomainGetCPUStats", async (_, domain) => await domain.GetCpuStatsAsync(cancellationToken: Token) },
        { "virDomainBlockStatsFlags", async (_, domain) => await domain.GetBlockStatsAsync("vda", Token) },
        { "virDomainReboot", async (_, domain) => await domain.RebootAsync(cancellationToken: Token) },
        { "virDomainPMWakeup", async (_, domain) => await domain.WakeUpAsync(Token) },
        { "virDomainStartDirtyRateCalc", async (_, domain) => await domain.StartDirtyRateAsync(TimeSpan.FromSeconds(1), cancellationToken: Token) },
        { "virConnectListAllStoragePools", async (connection, _) => await connection.CountStoragePoolsAsync(cancellationToken: Token) },
        { "virConnectGetCPUModelNames", async (connection, _) => await connection.GetCpuModelNamesAsync("x86_64", Token) },
        { "virNodeGetFreePages", async (connection, _) => await connection.GetFreePagesAsync([4], cancellationToken: Token) },
        { "virDomainMemoryStats", async (_, domain) => await domain.FillMemoryStatsAsync(new MemoryStat[1], cancellationToken: Token) },
        { "virDomainMemoryStats", async (_, domain) => await domain.GetMemoryStatsAsync(cancellationToken: Token) },
        { "virDomainSetMemoryStatsPeriod", async (_, domain) => await domain.SetPeriodAsync(1, cancellationToken: Token) },
        { "virDomainSetMemoryFlags", async (_, domain) => await domain.SetMemoryAsync(1, cancellationToken: Token) },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task What_a_driver_lacks_is_not_supported_in_libvirts_words(string function, Func<Connection, Domain, ValueTask> call)
    {
        await using Connection connection = new(new EmptyDriver(), "empty:///", ConnectionOptions.Default);
        Domain domain = new(connection, new DomainIdentity("x", Guid.Empty, 1));
        LibvirtException error = await Assert.ThrowsAsync<LibvirtException>(async () => await call(connection, domain));
        Assert.Equal(
            (ErrorCode.NoSupport, ErrorOrigin.Domain, $"this function is not supported by the connection driver: {function}"),
            (error.Code, error.Origin, error.Message));
    }

    [Fact]
    public async Task An_empty_buffer_is_filled_without_asking_the_driver()
    {
        await using Connection connection = new(new EmptyDriver(), "empty:///", ConnectionOptions.Default);
        Assert.Equal(0, await new Domain(connection, new DomainIdentity("x", Guid.Empty, 1)).FillMemoryStatsAsync(Memory<MemoryStat>.Empty, cancellationToken: Token));
    }

    private sealed class EmptyDriver : IDriver
    {
        public string Type => "EMPTY";

        public ValueTask DisposeAsync() => default;
    }
}
