using System.Globalization;
using System.Net;
using System.Security.Cryptography;

namespace Ballast.Guests;

/// <summary>
/// Another host: a network namespace of its own, and a cable to this one that can be cut. Both are gone with the process that holds
/// the namespace, which ends with this one, however that ends.
/// </summary>
public sealed class OtherHost : IAsyncDisposable
{
    private const string Cable = "cable";

    // A network for trying out networks (RFC 2544), which nobody is reached by; eight addresses for each host.
    private const uint FirstNetwork = (198u << 24) | (18u << 16);
    private const int Networks = 1 << 14, PrefixBits = 29, AddressBits = 3;

    private static int _made;

    private readonly ChildProcess _holder;
    private readonly string _device;
    private readonly uint _network;

    private OtherHost(ChildProcess holder, string device, uint network) => (_holder, _device, _network) = (holder, device, network);

    /// <summary>Its address, which is reached through the cable.</summary>
    public IPAddress Address => At(2);

    /// <summary>An address beyond the cable that takes everything and answers nothing, like a host behind a firewall.</summary>
    public IPAddress Silent => At(3);

    /// <summary>What begins a command that runs there.</summary>
    public string[] Entrance => ["nsenter", "--target", Id(_holder.Pid), "--net"];

    public static async Task<OtherHost> StartAsync(CancellationToken cancellationToken = default)
    {
        if (!Environment.IsPrivilegedProcess)
            throw new InvalidOperationException("Namespaces of their own need root.");

        // The longest name of a device has fifteen letters.
        string device = string.Create(CultureInfo.InvariantCulture, $"bl{Environment.ProcessId}x{Interlocked.Increment(ref _made)}");
        ChildProcess holder = await ChildProcess.StartAsync("unshare", ["--net", "sleep", "infinity"]);
        uint network;
        try
        {
            network = await ChooseNetworkAsync(cancellationToken);
        }
        catch
        {
            await holder.DisposeAsync();
            throw;
        }

        OtherHost host = new(holder, device, network);
        try
        {
            string own = new FileInfo("/proc/self/ns/net").LinkTarget!;
            await Deadline.UntilAsync(
                Deadline.Default, "a network namespace", _ => Task.FromResult(holder.HasExited || new FileInfo($"/proc/{holder.Pid}/ns/net").LinkTarget != own), cancellationToken);
            await RunAsync(["ip", "link", "add", device, "type", "veth", "peer", "name", Cable, "netns", Id(holder.Pid)], cancellationToken);
            await RunAsync(["ip", "address", "add", $"{host.At(1)}/{PrefixBits}", "dev", device], cancellationToken);
            await RunAsync(["ip", "link", "set", device, "up"], cancellationToken);
            await host.RunThereAsync(["ip", "link", "set", "lo", "up"], cancellationToken);
            await host.RunThereAsync(["ip", "address", "add", $"{host.Address}/{PrefixBits}", "dev", Cable], cancellationToken);
            await host.RestoreAsync(cancellationToken);

            // Frames to nobody's card.
            await RunAsync(["ip", "neighbour", "add", $"{host.Silent}", "lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", device], cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>From now on nothing comes through the cable, and nobody is told.</summary>
    public Task CutAsync(CancellationToken cancellationToken = default) => RunThereAsync(["ip", "link", "set", Cable, "down"], cancellationToken);

    public Task RestoreAsync(CancellationToken cancellationToken = default) => RunThereAsync(["ip", "link", "set", Cable, "up"], cancellationToken);

    /// <summary>Runs a command there, to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public Task<string> RunThereAsync(string[] command, CancellationToken cancellationToken = default) => RunAsync([.. Entrance, .. command], cancellationToken);

    /// <summary>Whether bytes of a client have come to a port there that nobody has read.</summary>
    public bool HasUnread(int port)
    {
        const int local = 1, state = 3, queues = 4;
        string suffix = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        return File.ReadLines($"/proc/{_holder.Pid}/net/tcp").Skip(1).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Any(words => words[state] == "01" && words[local].EndsWith(suffix, StringComparison.Ordinal) && words[queues].Split(':')[1].Any(digit => digit != '0'));
    }

    public async ValueTask DisposeAsync()
    {
        // It may be gone already, or never have been.
        _ = await ChildProcess.RunAsync("ip", ["link", "delete", _device]);
        await _holder.DisposeAsync();
    }

    private static string Id(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task<uint> ChooseNetworkAsync(CancellationToken cancellationToken)
    {
        string taken = await RunAsync(["ip", "-4", "-oneline", "address", "show"], cancellationToken);
        while (true)
        {
            uint network = FirstNetwork + ((uint)RandomNumberGenerator.GetInt32(Networks) << AddressBits);
            if (!taken.Contains($" {At(network, 1)}/", StringComparison.Ordinal))
                return network;
        }
    }

    private static async Task<string> RunAsync(string[] command, CancellationToken cancellationToken)
    {
        CommandResult result = await ChildProcess.RunAsync(command[0], command[1..], cancellationToken: cancellationToken);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException($"{string.Join(' ', command)}: {result.Errors}");
    }

    private static IPAddress At(uint network, uint number) => new(BitConverter.GetBytes(IPAddress.HostToNetworkOrder((int)(network + number))));

    private IPAddress At(uint number) => At(_network, number);
}
