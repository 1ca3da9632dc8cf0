using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>The options that say whether a command is about the running domain or its definition.</summary>
internal sealed class ImpactOptions
{
    private ImpactOptions(string config, string live, string current)
    {
        Config = new("config", OptionKind.Flag, config);
        Live = new("live", OptionKind.Flag, live);
        Current = new("current", OptionKind.Flag, current);
    }

    /// <summary>For commands that change something.</summary>
    public static ImpactOptions Change { get; } = new(
        "change the persistent definition, which applies from the next start", "change the running domain",
        "change the running domain if it runs, else its definition");

    /// <summary>For commands that show something.</summary>
    public static ImpactOptions Show { get; } = new(
        "show what the persistent definition says, which applies from the next start", "show what applies to the running domain",
        "show the running domain if it runs, else its definition");

    public CommandOption Config { get; }

    public CommandOption Live { get; }

    public CommandOption Current { get; }

    /// <summary>What the command is about.</summary>
    /// <param name="arguments">What was given.</param>
    /// <param name="otherwise">For callers that gave none of the three.</param>
    public DomainModificationImpact Of(ParsedCommand arguments, DomainModificationImpact otherwise)
    {
        DomainModificationImpact impact = DomainModificationImpact.Current;
        if (arguments.Has(Config))
            impact |= DomainModificationImpact.Config;
        if (arguments.Has(Live))
            impact |= DomainModificationImpact.Live;
        return impact == DomainModificationImpact.Current && !arguments.Has(Current) ? otherwise : impact;
    }

    /// <exception cref="CommandException">Two of them contradict each other.</exception>
    public void Check(ParsedCommand arguments)
    {
        arguments.Exclude(Current, Live);
        arguments.Exclude(Current, Config);
    }
}
