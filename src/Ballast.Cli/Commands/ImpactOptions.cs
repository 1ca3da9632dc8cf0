using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>The options that say what a change affects.</summary>
internal static class ImpactOptions
{
    public static CommandOption Config { get; } = new("config", OptionKind.Flag, "change the persistent definition, which applies from the next start");

    public static CommandOption Live { get; } = new("live", OptionKind.Flag, "change the running domain");

    public static CommandOption Current { get; } = new("current", OptionKind.Flag, "change the running domain if it runs, else its definition");

    public static void CheckImpact(this ParsedCommand arguments)
    {
        arguments.Exclude(Current, Live);
        arguments.Exclude(Current, Config);
    }

    /// <param name="arguments">What was given.</param>
    /// <param name="otherwise">For callers that gave none of the three.</param>
    public static DomainModificationImpact Impact(this ParsedCommand arguments, DomainModificationImpact otherwise)
    {
        DomainModificationImpact impact = DomainModificationImpact.Current;
        if (arguments.Has(Config))
            impact |= DomainModificationImpact.Config;
        if (arguments.Has(Live))
            impact |= DomainModificationImpact.Live;
        return impact == DomainModificationImpact.Current && !arguments.Has(Current) ? otherwise : impact;
    }
}
