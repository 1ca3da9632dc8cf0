using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>What the host is.</summary>
internal static class HostCommands
{
    private static readonly CommandOption Type = new("type", OptionKind.Text, "the type of domain: kvm or qemu")
    {
        IsPositional = true,
    };

    private static readonly CommandOption Pretty = new("pretty", OptionKind.Flag, "show ranges of CPU numbers instead of a letter for each CPU");

    public static Command HostName { get; } = new("hostname", "show the name of the host")
    {
        Execute = async invocation => invocation.Out.WriteLine(SafeText.Escape(
            await AskAsync(invocation.Connection.GetHostNameAsync(invocation.CancellationToken), "failed to get hostname"))),
    };

    public static Command Capabilities { get; } = new("capabilities", "show the capabilities of the host and the hypervisor as XML")
    {
        Execute = async invocation => invocation.Out.WriteLine(SafeText.EscapeLines(
            await AskAsync(invocation.Connection.GetCapabilitiesAsync(invocation.CancellationToken), "failed to get capabilities"))),
    };

    public static Command Sysinfo { get; } = new("sysinfo", "show the maker, model and firmware of the host as XML")
    {
        Execute = async invocation => invocation.Out.Write(SafeText.EscapeLines(
            await AskAsync(invocation.Connection.GetSysinfoAsync(invocation.CancellationToken), "failed to get sysinfo"))),
    };

    public static Command MaxVcpus { get; } = new("maxvcpus", "show how many virtual CPUs a domain can have")
    {
        Options = [Type],
        Execute = async invocation => invocation.Out.WriteLine(
            (await invocation.Connection.GetMaxVcpusAsync(invocation.Arguments.Text(Type), invocation.CancellationToken))
            .ToString(CultureInfo.InvariantCulture)),
    };

    public static Command Node { get; } = new("nodeinfo", "show the CPUs and the memory of the host")
    {
        Execute = ShowNodeInfoAsync,
    };

    public static Command CpuMap { get; } = new("nodecpumap", "show which CPUs of the host are online")
    {
        Description = "The map has a letter for each CPU, from CPU 0: y is online, - is not.\n",
        Options = [Pretty],
        Execute = ShowCpuMapAsync,
    };

    /// <summary>A letter for each of the host's CPUs.</summary>
    public static string Letters(CpuSet cpus, int count) => string.Create(count, cpus, (letters, set) =>
    {
        for (int i = 0; i < letters.Length; i++)
            letters[i] = set.Contains(i) ? 'y' : '-';
    });

    private static async ValueTask ShowNodeInfoAsync(CommandInvocation invocation)
    {
        NodeInfo info = await AskAsync(invocation.Connection.GetNodeInfoAsync(invocation.CancellationToken), "failed to get node information");
        Write("CPU model", $"{SafeText.Escape(info.Model)}");
        Write("CPU(s)", $"{info.Cpus}");
        Write("CPU frequency", $"{info.MHz} MHz");
        Write("CPU socket(s)", $"{info.SocketsPerNode}");
        Write("Core(s) per socket", $"{info.CoresPerSocket}");
        Write("Thread(s) per core", $"{info.ThreadsPerCore}");
        Write("NUMA cell(s)", $"{info.Nodes}");
        Write("Memory size", $"{info.MemoryKiB} KiB");

        void Write(string name, FormattableString value) =>
            invocation.Out.WriteLine($"{name + ":",-20} {value.ToString(CultureInfo.InvariantCulture)}");
    }

    private static async ValueTask ShowCpuMapAsync(CommandInvocation invocation)
    {
        CpuSet online = await AskAsync(invocation.Connection.GetCpuMapAsync(invocation.CancellationToken), "Unable to get cpu map");
        string map = invocation.Arguments.Has(Pretty) ? online.ToString() : Letters(online, online.Length);
        invocation.Out.Write(string.Create(CultureInfo.InvariantCulture,
            $"{"CPUs present:",-15} {online.Length}\n{"CPUs online:",-15} {online.Count}\n{"CPU map:",-15} {map}\n"));
    }

    /// <summary>Answers, or fails with the command's own line before the error.</summary>
    public static async ValueTask<T> AskAsync<T>(ValueTask<T> question, string failure)
    {
        try
        {
            return await question;
        }
        catch (LibvirtException e)
        {
            throw new CommandException(failure, e);
        }
    }
}
