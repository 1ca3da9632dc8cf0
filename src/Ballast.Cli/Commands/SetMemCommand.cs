using System.Globalization;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class SetMemCommand
{
    private const int DefaultTimeout = 60;

    private static readonly CommandOption Size = new("size", OptionKind.ScaledSize, "the memory it shall have; KiB unless a unit is given")
    {
        IsRequired = true,
        IsPositional = true,
        Aliases = ["kilobytes"],
    };

    private static readonly CommandOption Force = new("force", OptionKind.Flag, "set it whatever the guest uses");
    private static readonly CommandOption Wait = new("wait", OptionKind.Flag, "return when the balloon stands, and fail where it stops elsewhere");
    private static readonly CommandOption Timeout = new("timeout", OptionKind.Int, "with --wait: wait at most so many seconds, 60 unless told");

    public static Command Command { get; } = new("setmem", "set how much memory a domain shall have")
    {
        Description =
            $"""
            Sets the balloon's target; at most the domain's maximum. The guest's balloon driver moves towards
            it in its own time: `dommemstat` shows the size reached as `actual`, --wait waits for it.

            A running guest is looked at before anything is taken from it. A target below what it uses, with
            its kernel, and {SetMemCheck.MarginKiB / 1024} MiB is refused, because the guest would swap or kill programs; --force
            sets it all the same.
            Where nobody knows what the guest uses, or it has no driver, there is a warning. Called as virsh,
            the program looks at nothing and refuses nothing, as virsh.

            Units: b or bytes; k, m, g, t, p, e and KiB, MiB … are powers of 1024; KB, MB … powers of 1000;
            in any case. The size is rounded up to KiB. Without --live, --config and --current the running
            domain is changed.

            """,
        Options = [DomainArgument.Any, Size, ImpactOptions.Config, ImpactOptions.Live, ImpactOptions.Current, Force, Wait, Timeout],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        arguments.CheckImpact();
        Domain domain = await invocation.FindDomainAsync();
        ulong kib = arguments.SizeInKiB(Size);
        DomainModificationImpact impact = arguments.Impact(DomainModificationImpact.Live);
        TimeSpan timeout = ReadTimeout(arguments);

        // Another definition takes nothing from a guest that runs.
        bool isLive = domain.Id is not null && (impact & DomainModificationImpact.Config) == 0;
        MemoryStats? before = null;
        if (isLive && !invocation.IsVirsh && !arguments.Has(Force) && !invocation.Connection.IsReadOnly)
            before = await SetMemCheck.RunAsync(invocation, domain, kib, isBare: arguments.Text(Size)!.All(char.IsAsciiDigit));
        await domain.SetMemoryAsync(kib, impact, invocation.CancellationToken);
        if (before is not null && invocation.MayRemark)
            SetMemCheck.Say(invocation, domain, before, kib);
        if (isLive && arguments.Has(Wait))
            await AwaitAsync(invocation, domain, kib, timeout);
    }

    private static TimeSpan ReadTimeout(ParsedCommand arguments)
    {
        int seconds = arguments.Int(Timeout) ?? DefaultTimeout;
        if (arguments.Has(Timeout) && !arguments.Has(Wait))
            throw new CommandException("option --timeout is for --wait");
        return seconds > 0 ? TimeSpan.FromSeconds(seconds) : throw new CommandException("option --timeout must be at least 1");
    }

    private static async ValueTask AwaitAsync(CommandInvocation invocation, Domain domain, ulong target, TimeSpan timeout)
    {
        TimeSpan look = TimeSpan.FromMilliseconds(100);
        TimeProvider time = invocation.TimeProvider;
        long since = time.GetTimestamp();
        ulong? last = null;
        while (true)
        {
            MemoryStats stats = await domain.GetMemoryStatsAsync(cancellationToken: invocation.CancellationToken);
            ulong? actual = stats.ActualKiB;

            // A balloon moves by the guest's pages.
            const ulong page = 64;
            if (actual is { } now && Math.Max(now, target) - Math.Min(now, target) < page)
                return;
            if (time.GetElapsedTime(since) >= timeout)
                throw new CommandException(NotReached(domain, stats, target, timeout));
            if (actual != last && invocation.MayRemark && actual is { } moved)
                invocation.Remark(string.Create(CultureInfo.InvariantCulture, $"{domain.Name}: {SetMemCheck.Size(moved)}"));
            last = actual;
            await Task.Delay(look, time, invocation.CancellationToken);
        }
    }

    private static string NotReached(Domain domain, MemoryStats stats, ulong target, TimeSpan timeout)
    {
        string remedy = stats.Reason is MemoryStatsReason.Fresh or MemoryStatsReason.PollingOff or MemoryStatsReason.Stale
            ? "The guest gives up no more, or is slow; the target stays set."
            : $"The target stays set. {stats.Reason.Remedy(domain.Name)}";
        return string.Create(CultureInfo.InvariantCulture,
            $"{domain.Name} stands at {(stats.ActualKiB is { } actual ? SetMemCheck.Size(actual) : "an unknown size")} after {timeout.TotalSeconds:0} s instead of {SetMemCheck.Size(target)}. {remedy}");
    }
}
