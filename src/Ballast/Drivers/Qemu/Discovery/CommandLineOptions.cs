namespace Ballast.Drivers.Qemu.Discovery;

/// <summary>A command line as QEMU divides it: options, each with its value if it takes one.</summary>
internal static class CommandLineOptions
{
    /// <param name="arguments">The program, and what follows it.</param>
    /// <returns>Options without their dashes; one whose value is missing is left out.</returns>
    public static IEnumerable<(string Option, string? Value)> Of(IReadOnlyList<string> arguments)
    {
        for (int i = 1; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (!argument.StartsWith('-'))
                continue; // A disk's image.
            string option = argument[(argument.StartsWith("--", StringComparison.Ordinal) ? 2 : 1)..];
            if (!OptionTable.TakesArgument(option))
                yield return (option, null);
            else if (++i < arguments.Count)
                yield return (option, arguments[i]);
        }
    }
}
