using System.Text;
using Ballast.Cli.Commands;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Help;

/// <summary>Help, made from the command table.</summary>
internal static class HelpText
{
    private const int LineWidth = 100;

    public static string Usage(IReadOnlyList<CommandGroup> groups)
    {
        StringBuilder text = new();
        _ = text.Append(
            $"""
            Shows the memory statistics of virtual machines and resizes their balloons.

            usage: ballast [OPTION...] COMMAND [ARGUMENT...]
                   ballast [OPTION...] 'COMMAND [ARGUMENT...]; ...'
                   ballast [OPTION...]    a shell: one command after the other, with history and Tab

            Options, before the command:
            {GlobalOptionLines()}

            URIs:
            {UriForms.Lines()}
            {UriForms.Default}


            """);
        return text.Append(CommandList(groups)).ToString();
    }

    private static string GlobalOptionLines()
    {
        int width = GlobalOption.All.Max(option => option.Label.Length);
        return string.Join('\n', GlobalOption.All.Select(option => $"  {option.Label.PadRight(width + 2)}{option.Summary}"));
    }

    public static string CommandList(IReadOnlyList<CommandGroup> groups)
    {
        StringBuilder text = new();
        int width = groups.Max(group => group.Commands.Max(command => command.Name.Length));
        foreach (CommandGroup group in groups)
        {
            _ = text.Append(group.Title).Append(" (help ").Append(group.Keyword).Append("):\n");
            foreach (Command command in group.Commands)
                _ = text.Append("  ").Append(command.Name.PadRight(width + 2)).Append(command.Summary).Append('\n');
            _ = text.Append('\n');
        }

        if (groups.Count > 1)
            _ = text.Append("Questions:\n").Append(Questions.Lines()).Append("\n\n");
        return text.Append(
            """
            `ballast -c URI COMMAND` asks another host, daemon or QEMU; list, memory, doctor and top take several -c.
            `ballast --help` explains options and URIs.
            `ballast help COMMAND` explains a command. For scripts, memory, doctor, watch, list, dommemstat, domstats
            and balance take --json. Without a command, ballast is a shell. The manual is ballast(1); Tab completes
            in bash, zsh and fish if the files below share/ are installed.

            """).ToString();
    }

    public static string LongVersion(string version) =>
        $"""
        ballast {version}
        Speaks like virsh of libvirt 9.0.0.
        Drivers: qmp (QEMU's monitor), remote (ballastd's and libvirt's daemons), test.

        """;

    public static string Of(Command command)
    {
        StringBuilder text = new();
        _ = text.Append("ballast ").Append(command.Name).Append(": ").Append(command.Summary).Append("\n\n");
        AppendSynopsis(text, command);
        if (command.Description.Length > 0)
            _ = text.Append('\n').Append(command.Description);
        if (command.Options.Count > 0)
            AppendOptions(text, command);
        return text.ToString();
    }

    /// <summary>The command with its arguments, without the program's name.</summary>
    public static string SynopsisOf(Command command) => string.Join(' ', Arguments(command).Select(Synopsis).Prepend(command.Name));

    // What the command works on first, as people type it.
    private static IEnumerable<CommandOption> Arguments(Command command) =>
        command.Options.OrderBy(option => option is { IsPositional: true, IsRequired: true } ? 0 : 1);

    private static void AppendSynopsis(StringBuilder text, Command command)
    {
        string line = $"usage: ballast {command.Name}";
        string indent = new(' ', line.Length);

        foreach (CommandOption option in Arguments(command))
        {
            string part = Synopsis(option);
            if (line.Length + 1 + part.Length > LineWidth)
            {
                _ = text.Append(line).Append('\n');
                line = indent;
            }

            line += " " + part;
        }

        _ = text.Append(line).Append('\n');
    }

    private static string Synopsis(CommandOption option)
    {
        string value = option.Name.ToUpperInvariant();
        string part =
            option.IsPositional ? value
            : option.TakesValue ? $"--{option.Name} {option.ValueName.ToUpperInvariant()}"
            : $"--{option.Name}";
        if (!option.IsRequired)
            part = $"[{part}]";
        return option.Kind == OptionKind.RepeatedText ? part + "..." : part;
    }

    private static void AppendOptions(StringBuilder text, Command command)
    {
        _ = text.Append("\nOptions:\n");
        int width = command.Options.Max(option => Label(option).Length);
        foreach (CommandOption option in command.Options)
            _ = text.Append("  ").Append(Label(option).PadRight(width + 2)).Append(option.Summary).Append('\n');
    }

    /// <summary>An option and its value.</summary>
    public static string Label(CommandOption option)
    {
        string label = option.TakesValue ? $"--{option.Name} {option.ValueName.ToUpperInvariant()}" : $"--{option.Name}";
        if (option.IsPositional)
            label = $"[--{option.Name}] {option.ValueName.ToUpperInvariant()}";
        return label;
    }
}
