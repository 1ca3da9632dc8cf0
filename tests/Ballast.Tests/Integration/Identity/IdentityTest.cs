using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>What the tests of identity have in common: a directory, QEMUs that end with the test, and how one is told from another.</summary>
public abstract class IdentityTest : IAsyncDisposable
{
    protected const string Host = "qmp:///";

    private readonly List<IAsyncDisposable> _owned = [];

    private protected PrivateDirectory Root { get; } = new();

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (IAsyncDisposable owned in Enumerable.Reverse(_owned))
            await owned.DisposeAsync();
        Root.Dispose();
    }

    private protected T Own<T>(T owned)
        where T : IAsyncDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    private protected string MakeDirectory(string name) => Directory.CreateDirectory(Root.File(name)).FullName;

    /// <summary>Lets every user enter a directory, and write to it.</summary>
    private protected static void OpenToAll(string path)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException();
        File.SetUnixFileMode(path, (UnixFileMode)0x1FF);
    }

    private protected async Task<PlainQemu> StartAsync(PlainQemuOptions options) => Own(await PlainQemu.StartAsync(options, Token));

    private protected Task<PlainQemu> StartAsync(string? name, string socket, Guid? uuid = null, int memoryMib = 64) =>
        StartAsync(new PlainQemuOptions { Name = name, Uuid = uuid, MemoryMib = memoryMib, Arguments = Monitor(socket) });

    /// <summary>Another root, or user, which QEMU takes on when it has opened its files: <c>chroot</c> or <c>user</c>.</summary>
    private protected static string[] RunWith(string what, string value) =>
        Installed.Qemu.Major >= 10 ? ["-run-with", $"{what}={value}"] : [what == "user" ? "-runas" : $"-{what}", value];

    private protected static string[] Monitor(string socket) => ["-qmp", $"unix:{socket},server=on,wait=off"];

    private protected static ValueTask<Connection> OpenAsync(string uri = Host, TimeSpan? timeout = null, params uint[] trusted) =>
        Connection.OpenAsync(uri, new ConnectionOptions { Timeout = timeout ?? TimeSpan.FromSeconds(20), TrustedUserIds = trusted }, Token);

    /// <summary>The one domain of a connection that is this QEMU.</summary>
    private protected static async Task<Domain> DomainOfAsync(Connection connection, PlainQemu qemu) =>
        Assert.Single(await connection.ListDomainsAsync(cancellationToken: Token), domain => domain.Id == qemu.Pid);

    private protected static async Task<MemoryStats> SampleAsync(Domain domain) => await domain.GetMemoryStatsAsync(cancellationToken: Token);

    /// <summary>What is read is this QEMU's, and what is changed is changed there.</summary>
    private protected static async Task IsReachedAsync(Domain domain, PlainQemu qemu)
    {
        Assert.Equal(qemu.Pid, domain.Id);
        MemoryStats sample = await SampleAsync(domain);
        Assert.True(sample.ActualKiB == qemu.MemoryKib, $"{sample.Reason}: {sample.Detail}");
        Assert.NotNull(sample.RssKiB);
        ulong target = await qemu.TargetKibAsync(Token) - 4096;
        await domain.SetMemoryAsync(target, cancellationToken: Token);
        Assert.Equal(target, await qemu.TargetKibAsync(Token));
    }

    /// <summary>Another program's connection gets its greeting: nobody holds the monitor.</summary>
    private protected static async Task IsFreeAsync(string socket)
    {
        await using OracleMonitor owner = await OracleMonitor.ConnectAsync(socket, TimeSpan.FromSeconds(2), Token);
    }

    /// <summary>Waits until somebody listens at a path.</summary>
    private protected static Task ListensAsync(string socket) => Deadline.UntilAsync(
        Deadline.Default, $"socket {socket}", _ => Task.FromResult(UnixSocket.IsListening(socket)), Token);
}
