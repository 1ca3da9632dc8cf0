using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

internal static class SetMemCommand
{
    private static readonly CommandOption Size = new("size", OptionKind.ScaledSize, "the memory it shall have; KiB unless a unit is given")
    {
        IsRequired = true,
        IsPositional = true,
        Aliases = ["kilobytes"],
    };

    public static Command Command { get; } = new("setmem", "set how much memory a domain shall have")
    {
        Description =
            """
            Sets the balloon's target; at most the domain's maximum. The guest's balloon driver moves towards
            it in its own time, or not at all where there is none: `dommemstat` shows the size reached as
            `actual`.

            Units: b or bytes; k, m, g, t, p, e and KiB, MiB … are powers of 1024; KB, MB … powers of 1000;
            in any case. The size is rounded up to KiB. Without --live, --config and --current the running
            domain is changed.

            """,
        Options = [DomainArgument.Any, Size, ImpactOptions.Config, ImpactOptions.Live, ImpactOptions.Current],
        Execute = ExecuteAsync,
    };

    private static async ValueTask ExecuteAsync(CommandInvocation invocation)
    {
        invocation.Arguments.CheckImpact();
        Domain domain = await invocation.FindDomainAsync();
        ulong kib = invocation.Arguments.SizeInKiB(Size);
        DomainModificationImpact impact = invocation.Arguments.Impact(DomainModificationImpact.Live);
        await domain.SetMemoryAsync(kib, impact, invocation.CancellationToken);
    }
}
