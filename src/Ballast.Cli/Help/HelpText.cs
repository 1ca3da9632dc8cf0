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
            """
            Shows the memory statistics of virtual machines and resizes their balloons.

            usage: ballast [OPTION...] COMMAND [ARGUMENT...]
                   ballast [OPTION...] 'COMMAND [ARGUMENT...]; ...'

            Options, before the command:
              -c, --connect URI      the hypervisor to connect to; see below (top takes several)
              -r, --readonly         refuse commands that change anything
              -q, --quiet            omit headings and the blank line after each command
              -t, --timing           show how long each command took
              -v, --version          show the version; -V or --version=long shows more
              -h, --help             show this help

            URIs:
              qmp:///                every QEMU of this host that you may connect to
              qmp:///PATH            the QEMU with that monitor socket (-qmp unix:PATH,server=on,wait=off),
                                     or every QEMU with a socket in that directory
              qmp:///PATH?timeout=5s the same, with a longer deadline (default: 2 s)
              qemu:///system         a daemon: ballastd if it listens, else libvirt's; qemu:///session for a
                                     user's own, qemu+unix:///system?socket=PATH for any other socket;
                                     ?timeout=60s sets a longer deadline (default: 30 s)
              test:///default        libvirt's test domain, for experiments
              test:///fleet?domains=N&seed=S
                                     N simulated guests with changing memory (default: 10)
            Without -c, ballast uses the first of these: the environment variables VIRSH_DEFAULT_CONNECT_URI
            and LIBVIRT_DEFAULT_URI, uri_default in libvirt.conf, qemu:///system (or session) if a daemon
            listens there, and qmp:///.


            """);
        return text.Append(CommandList(groups)).ToString();
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

        return text.Append("`ballast help COMMAND` explains a command.\n").ToString();
    }

    public static string LongVersion(string version) =>
        $"""
        ballast {version}
        Speaks like virsh of libvirt 9.0.0.
        Drivers: qmp (QEMU's monitor), test.

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

    private static void AppendSynopsis(StringBuilder text, Command command)
    {
        string line = $"usage: ballast {command.Name}";
        string indent = new(' ', line.Length);

        // What the command works on first, as people type it.
        foreach (CommandOption option in command.Options.OrderBy(option => option is { IsPositional: true, IsRequired: true } ? 0 : 1))
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

    private static string Label(CommandOption option)
    {
        string label = option.TakesValue ? $"--{option.Name} {option.ValueName.ToUpperInvariant()}" : $"--{option.Name}";
        if (option.IsPositional)
            label = $"[--{option.Name}] {option.ValueName.ToUpperInvariant()}";
        return label;
    }
}
