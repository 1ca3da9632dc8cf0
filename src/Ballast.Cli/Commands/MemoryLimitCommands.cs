using System.Globalization;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>What bounds a domain's memory.</summary>
internal static class MemoryLimitCommands
{
    private static readonly CommandOption Size = new("size", OptionKind.ScaledSize, "the new maximum; in KiB if no unit is given")
    {
        IsRequired = true,
        IsPositional = true,
        Aliases = ["kilobytes"],
    };

    private static readonly CommandOption[] Limits = [Limit("hard-limit"), Limit("soft-limit"), Limit("swap-hard-limit"), Limit("min-guarantee")];

    public static Command SetMaximum { get; } = new("setmaxmem", "set the maximum memory of a domain")
    {
        Description =
            """
            Sets the upper limit of the balloon. A domain that runs keeps its maximum: with --config, the new one
            applies from the next start. `help setmem` explains the units.

            """,
        Options = [DomainArgument.Any, Size, ImpactOptions.Change.Config, ImpactOptions.Change.Live, ImpactOptions.Change.Current],
        Execute = SetMaximumAsync,
    };

    public static Command Tune { get; } = new("memtune", "show the host's memory limits for a domain")
    {
        Description =
            """
            Shows in KiB the limits of the control group in which the hypervisor's process runs:
              hard_limit       the kernel ends a process that exceeds it
              soft_limit       under pressure, memory above it is reclaimed first
              swap_hard_limit  memory and swap together
            ballast shows the limits and does not change them: use virsh, or systemctl set-property for a QEMU
            without libvirt.

            """,
        Options = [DomainArgument.Any, .. Limits, ImpactOptions.Show.Config, ImpactOptions.Show.Live, ImpactOptions.Show.Current],
        Execute = ShowLimitsAsync,
    };

    private static CommandOption Limit(string name) => new(name, OptionKind.ScaledSize, "a new limit; ballast refuses to change it") { IsPositional = true };

    private static async ValueTask SetMaximumAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        ImpactOptions.Change.Check(arguments);
        Domain domain = await invocation.FindDomainAsync();
        ulong kib = arguments.SizeInKiB(Size);
        try
        {
            await domain.SetMaxMemoryAsync(kib, ImpactOptions.Change.Of(arguments, DomainModificationImpact.Current), invocation.CancellationToken);
        }
        catch (LibvirtException e)
        {
            throw new CommandException("Unable to change MaxMemorySize", e);
        }
    }

    private static async ValueTask ShowLimitsAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        ImpactOptions.Show.Check(arguments);
        Domain domain = await invocation.FindDomainAsync();
        if (Limits.Any(arguments.Has))
            throw new CommandException("ballast does not change memory limits: use virsh, or systemctl set-property for a QEMU without libvirt");

        DomainMemoryLimits limits;
        try
        {
            limits = await domain.GetMemoryLimitsAsync(ImpactOptions.Show.Of(arguments, DomainModificationImpact.Current), invocation.CancellationToken);
        }
        catch (LibvirtException e)
        {
            // C programs ask for the number of limits first, which fails for the wrong flags and not for want of a control group.
            bool isFirst = e is not { Code: ErrorCode.OperationInvalid, Origin: ErrorOrigin.Qemu };
            throw new CommandException(isFirst ? "Unable to get number of memory parameters" : "Unable to get memory parameters", e);
        }

        Write("hard_limit", limits.HardKiB);
        Write("soft_limit", limits.SoftKiB);
        Write("swap_hard_limit", limits.SwapHardKiB);

        void Write(string name, ulong? kib) =>
            invocation.Out.WriteLine($"{name,-15}: {kib?.ToString(CultureInfo.InvariantCulture) ?? "unlimited"}");
    }
}
