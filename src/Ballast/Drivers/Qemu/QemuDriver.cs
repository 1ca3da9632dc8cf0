namespace Ballast.Drivers.Qemu;

internal sealed class QemuDriver : IDriver
{
    public static ValueTask<QemuDriver> OpenAsync(ConnectUri uri, ConnectionOptions options, CancellationToken cancellationToken) => throw new NotSupportedException();

    public string Type => "QEMU";

    public ValueTask DisposeAsync() => default;
}
