using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>A domain's virtual CPUs.</summary>
internal static class VirtualCpuCommands
{
    private static readonly CommandOption Pretty = new("pretty", OptionKind.Flag, "show ranges of CPU numbers instead of a letter for each CPU");
    private static readonly CommandOption Maximum = new("maximum", OptionKind.Flag, "only the maximum, including CPUs that can still be plugged in");
    private static readonly CommandOption Active = new("active", OptionKind.Flag, "only the CPUs that are plugged in (default with --live, --config or --current)");
    private static readonly CommandOption Live = new("live", OptionKind.Flag, "of the running domain");
    private static readonly CommandOption Config = new("config", OptionKind.Flag, "of the definition for the next start");
    private static readonly CommandOption Current = new("current", OptionKind.Flag, "of the running domain if it runs, else of its definition");
    private static readonly CommandOption Guest = new("guest", OptionKind.Flag, "as the guest's agent counts them, if the hypervisor asks it");
    private static readonly CommandOption Vcpu = new("vcpu", OptionKind.Int, "only this virtual CPU") { IsPositional = true };
    private static readonly CommandOption CpuList = new("cpulist", OptionKind.Text, "host CPUs to pin it to; ballast refuses to pin")
    {
        IsPositional = true,
        MayBeEmpty = true,
    };

    public static Command Count { get; } = new("vcpucount", "show the number of virtual CPUs of a domain")
    {
        Description = "Without options, shows the maximum and the current number, of the running domain and of its definition.\n",
        Options = [DomainArgument.Any, Maximum, Active, Live, Config, Current, Guest],
        Execute = CountAsync,
    };

    public static Command Info { get; } = new("vcpuinfo", "show the virtual CPUs of a domain")
    {
        Description =
            """
            Shows for each virtual CPU the host CPU that it ran on last, the time that it has used, and the host CPUs
            that it may run on: a letter for each, from CPU 0; y means that it may, - that it may not.

            """,
        Options = [DomainArgument.Any, Pretty],
        Execute = ShowAsync,
    };

    public static Command Pin { get; } = new("vcpupin", "show the host CPUs that virtual CPUs may run on")
    {
        Description = "ballast shows the affinity and does not change it: use virsh, or taskset for a QEMU without libvirt.\n",
        Options = [DomainArgument.Any, Vcpu, CpuList, Config, Live, Current],
        Execute = ShowPinsAsync,
    };

    private static async ValueTask CountAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        arguments.Exclude(Live, Config);

        // Without either of the two, --current is an older name of --active.
        if (arguments.Has(Active) || arguments.Has(Maximum))
        {
            arguments.Exclude(Current, Live);
            arguments.Exclude(Current, Config);
        }

        arguments.Exclude(Active, Maximum);
        arguments.Exclude(Guest, Config);
        Domain domain = await invocation.FindDomainAsync();
        if (arguments.Has(Guest))
        {
            try
            {
                Write(await domain.GetVirtualCpuCountAsync(VirtualCpuCountFlags.Guest, invocation.CancellationToken));
            }
            catch (LibvirtException e) when (e.Code is ErrorCode.NoSupport or ErrorCode.InvalidArgument)
            {
                // As in virsh, which tries something older first; of any other error it says no more than what it is.
                throw new CommandException("Failed to retrieve vCPU count from the guest", e);
            }

            return;
        }

        bool isPlain = !arguments.Has(Maximum) && !arguments.Has(Active) && !arguments.Has(Live) && !arguments.Has(Config) && !arguments.Has(Current);
        if (!isPlain)
        {
            VirtualCpuCountFlags flags =
                arguments.Has(Config) ? VirtualCpuCountFlags.Config : arguments.Has(Live) ? VirtualCpuCountFlags.Live : VirtualCpuCountFlags.None;
            if (arguments.Has(Maximum))
                flags |= VirtualCpuCountFlags.Maximum;
            Write(await domain.GetVirtualCpuCountAsync(flags, invocation.CancellationToken));
            return;
        }

        // What does not run has no count of its own, nor has what is not defined.
        (bool config, bool live) = (await domain.IsPersistentAsync(invocation.CancellationToken), domain.Id is not null);
        foreach (VirtualCpuCountFlags which in (VirtualCpuCountFlags[])[VirtualCpuCountFlags.Maximum, VirtualCpuCountFlags.None])
        {
            string what = which == VirtualCpuCountFlags.Maximum ? "maximum" : "current";
            if (config)
                WriteRow(what, "config", await domain.GetVirtualCpuCountAsync(which | VirtualCpuCountFlags.Config, invocation.CancellationToken));
            if (live)
                WriteRow(what, "live", await domain.GetVirtualCpuCountAsync(which | VirtualCpuCountFlags.Live, invocation.CancellationToken));
        }

        void Write(int count) => invocation.Out.WriteLine(count.ToString(CultureInfo.InvariantCulture));

        void WriteRow(string what, string of, int count) =>
            invocation.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-12} {of,-12} {count,3}"));
    }

    private static async ValueTask ShowAsync(CommandInvocation invocation)
    {
        CancellationToken cancellationToken = invocation.CancellationToken;
        Domain domain = await invocation.FindDomainAsync();
        int hostCpus = (await invocation.Connection.GetCpuMapAsync(cancellationToken)).Length;
        bool isFirst = true;
        if (domain.Id is null)
        {
            int count = (await domain.GetInfoAsync(cancellationToken)).VirtualCpus;
            IReadOnlyList<CpuSet> pins = await domain.GetVirtualCpuAffinitiesAsync(DomainModificationImpact.Config, cancellationToken);
            for (int i = 0; i < Math.Min(count, pins.Count); i++)
                Write($"VCPU:           {i}\nCPU:            N/A\nState:          N/A\nCPU time        N/A", pins[i]);
            return;
        }

        foreach (VirtualCpu cpu in await domain.GetVirtualCpusAsync(cancellationToken))
        {
            string time = cpu.CpuTime is { Ticks: > 0 } used
                ? string.Create(CultureInfo.InvariantCulture, $"\nCPU time:       {used.TotalSeconds:F1}s")
                : "";
            string ranOn = cpu.HostCpu?.ToString(CultureInfo.InvariantCulture) ?? "N/A";
            Write($"VCPU:           {cpu.Number}\nCPU:            {ranOn}\nState:          {Label(cpu.State)}{time}", cpu.Affinity);
        }

        void Write(string facts, CpuSet affinity)
        {
            string cpus = invocation.Arguments.Has(Pretty) ? $"{affinity} (out of {hostCpus})" : HostCommands.Letters(affinity, hostCpus);
            invocation.Out.WriteLine($"{(isFirst ? "" : "\n")}{facts}\nCPU Affinity:   {cpus}");
            isFirst = false;
        }
    }

    private static string Label(VirtualCpuState state) => state switch
    {
        VirtualCpuState.Offline => "offline",
        VirtualCpuState.Running => "running",
        VirtualCpuState.Blocked => "blocked",
        _ => "no state",
    };

    // Null where the hypervisor does not tell.
    private static async ValueTask<int?> CountAsync(Domain domain, bool ofConfig, CancellationToken cancellationToken)
    {
        try
        {
            return await domain.GetVirtualCpuCountAsync(ofConfig ? VirtualCpuCountFlags.Config : VirtualCpuCountFlags.None, cancellationToken);
        }
        catch (LibvirtException e) when (e.Code == ErrorCode.NoSupport)
        {
            return null;
        }
    }

    private static async ValueTask ShowPinsAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        arguments.Exclude(Current, Live);
        arguments.Exclude(Current, Config);
        uint? only = arguments.Number(Vcpu);
        if (arguments.Has(CpuList) && only is null)
            throw new CommandException("vcpupin: Missing vCPU number in pin mode.");
        if (!arguments.Has(CpuList))
            arguments.Exclude(Live, Config);
        Domain domain = await invocation.FindDomainAsync();
        if (arguments.Has(CpuList))
        {
            // What is wrong with the request comes first, as it would where pinning is possible.
            if (await CountAsync(domain, arguments.Has(Config), invocation.CancellationToken) is { } count && only >= count)
            {
                throw new CommandException(string.Create(CultureInfo.InvariantCulture,
                    $"invalid argument: requested vcpu '{only}' is not present in the domain"));
            }

            throw new CommandException("ballast does not change the affinity of virtual CPUs: use virsh, or taskset for a QEMU without libvirt");
        }

        if (arguments.Has(Config) && !await domain.IsPersistentAsync(invocation.CancellationToken))
            throw new CommandException("cannot get vcpupin for transient domain");
        if (arguments.Has(Live) && domain.Id is null)
            throw new CommandException("cannot get vcpupin for offline domain");
        bool isLive = domain.Id is not null && !arguments.Has(Config);
        IReadOnlyList<CpuSet> pins = await domain.GetVirtualCpuAffinitiesAsync(
            arguments.Has(Config) ? DomainModificationImpact.Config : arguments.Has(Live) ? DomainModificationImpact.Live : DomainModificationImpact.Current,
            invocation.CancellationToken);
        if (only >= pins.Count)
        {
            throw new CommandException(string.Create(CultureInfo.InvariantCulture,
                $"vcpu {unchecked((int)only)} is out of range of {(isLive ? "live" : "persistent")} cpu count {pins.Count}"));
        }

        TextTable table = new("VCPU", "CPU Affinity");
        for (int i = 0; i < pins.Count; i++)
        {
            if (only is null || only == i)
                table.AddRow(i.ToString(CultureInfo.InvariantCulture), pins[i].ToString());
        }

        table.WriteTo(invocation.Out, withHeader: !invocation.IsQuiet);
    }
}
