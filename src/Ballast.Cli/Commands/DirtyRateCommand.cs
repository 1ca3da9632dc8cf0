using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>How fast a guest writes to its memory.</summary>
internal static class DirtyRateCommand
{
    private static readonly (string Name, DirtyRateMode Mode)[] Modes =
    [
        ("page-sampling", DirtyRateMode.PageSampling), ("dirty-bitmap", DirtyRateMode.DirtyBitmap), ("dirty-ring", DirtyRateMode.DirtyRing),
    ];

    private static readonly CommandOption Seconds = new("seconds", OptionKind.Int, "how long to measure, 1 to 60 (default: 1)") { IsPositional = true };
    private static readonly CommandOption How = new("mode", OptionKind.Text, "page-sampling (default), dirty-bitmap or dirty-ring") { IsPositional = true };

    public static Command Command { get; } = new("domdirtyrate-calc", "measure how fast a guest writes to its memory")
    {
        Description = "Begins to measure and returns. `domstats --dirtyrate` shows the result when the time has passed.\n",
        Options = [DomainArgument.Any, Seconds, How],
        Execute = StartAsync,
    };

    private static async ValueTask StartAsync(CommandInvocation invocation)
    {
        ParsedCommand arguments = invocation.Arguments;
        Domain domain = await invocation.FindDomainAsync();
        int seconds = arguments.Int(Seconds) ?? 1;
        DirtyRateMode mode = arguments.Text(How) is { } name ? Read(name) : DirtyRateMode.PageSampling;
        await domain.StartDirtyRateAsync(TimeSpan.FromSeconds(seconds), mode, invocation.CancellationToken);
        invocation.Confirm("Start to calculate domain's memory dirty rate successfully.");
    }

    private static DirtyRateMode Read(string name)
    {
        foreach ((string known, DirtyRateMode mode) in Modes)
        {
            if (known == name)
                return mode;
        }

        throw new CommandException($"Unknown calculation mode '{name}'");
    }
}
