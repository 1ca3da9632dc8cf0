using System.Globalization;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class SetMemCommand
{
    private const int DefaultTimeout = 60;

    private static readonly CommandOption Size = new("size", OptionKind.ScaledSize, "the new size; in KiB if no unit is given")
    {
        IsRequired = true,
        IsPositional = true,
        Aliases = ["kilobytes"],
    };

    private static readonly CommandOption Force = new("force", OptionKind.Flag, "set the size even if the guest needs more");
    private static readonly CommandOption Wait = new("wait", OptionKind.Flag, "wait until the balloon reaches the size; fail if it stops elsewhere");
    private static readonly CommandOption Timeout = new("timeout", OptionKind.Int, "the longest wait with --wait, in seconds; default: 60");

    public static Command Command { get; } = new("setmem", "make the memory of a domain smaller or larger, as far as its guest allows")
    {
        Description =
            $"""
            Sets the target of the balloon, up to the domain's maximum. The guest's balloon driver then moves
            towards the target at its own speed. `dommemstat` shows the current size as `actual`; --wait
            waits until the balloon reaches its target.

            Before it takes memory from a running guest, the command checks what the guest uses. Below the memory
            in use, the kernel's own memory and another {SetMemCheck.MarginKiB / 1024} MiB, the guest would swap or kill programs, so the
            command refuses such a target. --force skips the check. If the memory in use is unknown, or the guest
            has no balloon driver, the command only prints a warning. If the program is called as virsh, it checks
            nothing, like virsh.

            Units, in any case: b or bytes; k, m, g, t, p, e and KiB, MiB … are powers of 1024; KB, MB … are
            powers of 1000. The size is rounded up to KiB. Without --live, --config or --current, the command
            changes the running domain.

            """,
        Options = [DomainArgument.Any, Size, ImpactOptions.Change.Config, ImpactOptions.Change.Live, ImpactOptions.Change.Current, Force, Wait, Timeout],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        ImpactOptions.Change.Check(arguments);
        Domain domain = await invocation.FindDomainAsync();
        ulong kib = ReadSize(arguments);
        DomainModificationImpact impact = ImpactOptions.Change.Of(arguments, DomainModificationImpact.Live);
        TimeSpan timeout = ReadTimeout(arguments);

        // The persistent definition alone takes nothing from a guest that runs.
        bool isLive = domain.Id is not null && impact != DomainModificationImpact.Config;
        MemoryStats? before = null;
        bool looks = isLive && !invocation.IsVirsh && !invocation.Connection.IsReadOnly;
        if (looks && arguments.Has(Force))
            await SetMemCheck.NoteAsync(invocation, domain);
        else if (looks)
            before = await SetMemCheck.RunAsync(invocation, domain, kib, isBare: arguments.Text(Size)!.All(char.IsAsciiDigit));
        try
        {
            await domain.SetMemoryAsync(kib, impact, invocation.CancellationToken);
        }
        catch (LibvirtException e) when (kib == 0 && !invocation.Connection.IsReadOnly)
        {
            throw new CommandException(e.Message) { Hint = "no domain can have a size of 0; `ballast memory` shows what a guest uses" };
        }

        if (before is not null && invocation.MayRemark)
            SetMemCheck.Say(invocation, domain, before, kib);
        if (isLive && arguments.Has(Wait))
            await AwaitAsync(invocation, domain, kib, timeout);
    }

    private static ulong ReadSize(ParsedCommand arguments)
    {
        try
        {
            return arguments.SizeInKiB(Size);
        }
        catch (CommandException e)
        {
            throw new CommandException(e.Lines) { Hint = $"write a whole number and a unit in one word: {Suggest(arguments.Texts(Size).FirstOrDefault() ?? "")}; units are KiB, MiB, GiB, TiB (or K, M, G, T)" };
        }
    }

    /// <summary>The size that somebody meant by a number with a point; else an example.</summary>
    private static string Suggest(string text)
    {
        string number = text.TrimEnd('k', 'K', 'm', 'M', 'g', 'G', 't', 'T', 'i', 'b', 'B');
        bool isOfGiB = text.Length > number.Length && char.ToLowerInvariant(text[number.Length]) == 'g' && !text.EndsWith("GB", StringComparison.OrdinalIgnoreCase);
        return isOfGiB && double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double gib) && gib is > 0 and < 1e6
            ? string.Create(CultureInfo.InvariantCulture, $"{Math.Round(gib * 1024):0}MiB")
            : "512MiB";
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

    private static string PausedRemedy(Domain domain, MemoryStats stats) =>
        new Standstill(stats.PauseCause, stats.State).WaitsForResume ? "Resume the domain." : MemoryRemark.Remedy(domain, stats);

    private static string NotReached(Domain domain, MemoryStats stats, ulong target, TimeSpan timeout)
    {
        string remedy = stats.Reason is MemoryStatsReason.Fresh or MemoryStatsReason.PollingOff or MemoryStatsReason.Stale
            ? "The guest cannot give up more, or needs more time; the target stays set."
            : stats.Reason == MemoryStatsReason.Paused ? $"A balloon moves only while its guest runs; the target stays set. {PausedRemedy(domain, stats)}"
            : $"The target stays set. {MemoryRemark.Remedy(domain, stats)}";
        return string.Create(CultureInfo.InvariantCulture,
            $"{domain.Name} is at {(stats.ActualKiB is { } actual ? SetMemCheck.Size(actual) : "an unknown size")} after {timeout.TotalSeconds:0} s instead of {SetMemCheck.Size(target)}. {remedy}");
    }
}
