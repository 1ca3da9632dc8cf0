using System.Net.Sockets;

namespace Ballast.Guests;

/// <summary>
/// What the processor of a machine of type <c>pc</c> would do to stop it for one reason or another, on its qtest socket.
/// </summary>
public sealed class GuestMischief : IAsyncDisposable
{
    // Of the PIIX4's power management, where the firmware puts it; without one, this does.
    private const int PowerBase = 0x600, PowerControl = PowerBase + 4, PowerFunction = (1 << 11) | (3 << 8);

    private readonly QtestConnection _qtest;

    private GuestMischief(QtestConnection qtest) => _qtest = qtest;

    public static async Task<GuestMischief> ConnectAsync(string qtestPath, CancellationToken cancellationToken)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(qtestPath), cancellationToken);
            return new GuestMischief(new QtestConnection(socket));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Its kernel panics, and says so to pvpanic.</summary>
    public Task PanicAsync(CancellationToken cancellationToken) => WriteAsync(cancellationToken, "outb 0x505 1");

    /// <summary>Its kernel panics, and another one takes over.</summary>
    public Task LoadCrashKernelAsync(CancellationToken cancellationToken) => WriteAsync(cancellationToken, "outb 0x505 2");

    /// <summary>Suspends to memory (S3).</summary>
    public Task SleepAsync(CancellationToken cancellationToken) => PowerAsync(0x2400, cancellationToken);

    public Task PowerOffAsync(CancellationToken cancellationToken) => PowerAsync(0x2000, cancellationToken);

    /// <summary>Arms the IB700 watchdog and lets its time pass.</summary>
    public Task StarveWatchdogAsync(CancellationToken cancellationToken) => WriteAsync(cancellationToken, "outb 0x443 0xf");

    public ValueTask DisposeAsync() => _qtest.DisposeAsync();

    // QEMU's machine resets the base with everything else, so it is set each time.
    private Task PowerAsync(int control, CancellationToken cancellationToken)
    {
        const uint enable = 1u << 31, baseRegister = 0x40, enableRegister = 0x80;
        return WriteAsync(
            cancellationToken,
            $"outl 0xcf8 {enable | PowerFunction | baseRegister}", $"outl 0xcfc {PowerBase | 1}",
            $"outl 0xcf8 {enable | PowerFunction | enableRegister}", "outb 0xcfc 1",
            $"outw {PowerControl} {control}");
    }

    private async Task WriteAsync(CancellationToken cancellationToken, params string[] commands) =>
        _ = await _qtest.ExecuteAsync([.. commands.Select(command => command + "\n")], cancellationToken);
}
