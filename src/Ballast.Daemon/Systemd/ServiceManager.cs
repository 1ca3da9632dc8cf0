using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Ballast.Daemon.Systemd;

/// <summary>What the service manager wants to hear of this process (sd_notify(3)), and how often that it is alive.</summary>
internal sealed class ServiceManager : IDisposable
{
    // Who does not read is not waited for longer.
    private const int SendMilliseconds = 1000;

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { SendTimeout = SendMilliseconds };
    private readonly UnixDomainSocketEndPoint _address;

    private ServiceManager(string address, TimeSpan? watchdog)
    {
        // An address of the abstract namespace begins with a NUL.
        _address = new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address);
        Watchdog = watchdog;
    }

    /// <summary>The time after which it ends a daemon that did not say that it is alive; null: it does not.</summary>
    public TimeSpan? Watchdog { get; }

    /// <summary>The one that started this process; null where none wants to hear anything.</summary>
    public static ServiceManager? Find()
    {
        string? address = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        return address is ['/' or '@', _, ..] && Encoding.UTF8.GetByteCount(address) <= HostFiles.MaxAddressBytes
            ? new ServiceManager(address, WatchdogTime())
            : null;
    }

    /// <summary>Says something, in lines as <c>READY=1</c>; false where nobody heard it.</summary>
    public bool Tell(params string[] lines)
    {
        try
        {
            _ = _socket.SendTo(Encoding.UTF8.GetBytes(string.Join('\n', lines)), _address);
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    public void Dispose() => _socket.Dispose();

    private static TimeSpan? WatchdogTime()
    {
        string? pid = Environment.GetEnvironmentVariable("WATCHDOG_PID");
        return (pid is null || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            && long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds)
            && microseconds is > 0 and < long.MaxValue / TimeSpan.TicksPerMicrosecond
                ? TimeSpan.FromMicroseconds(microseconds)
                : null;
    }
}
