using Ballast.Cli.Commands;
using Ballast.Cli.Help;
using Ballast.Cli.Parsing;
using Ballast.Manual;

namespace Ballast.Cli.Manual;

/// <summary>ballast(1), from the command table.</summary>
internal static class BallastManual
{
    public static string Write(IReadOnlyList<CommandGroup> groups, string version)
    {
        Roff page = new("ballast", 1, version, "User Commands");
        page.Section("Name").Paragraph("ballast - show the memory of virtual machines and resize their balloons")
            .Section("Synopsis")
            .Example("ballast [OPTION...] COMMAND [ARGUMENT...]\nballast [OPTION...] 'COMMAND [ARGUMENT...]; ...'\nballast [OPTION...]")
            .Section("Description")
            .Paragraph("Shows the memory statistics of virtual machines and resizes their balloons: through QEMU's monitor, or through a daemon that speaks libvirt's protocol. Its commands are those of virsh, and some of its own.")
            .Paragraph("Without a command it is a shell: see `The shell` below. Called `virsh` (a link of that name), it behaves like virsh, without the checks and hints of `ballast`.");
        page.Section("Options").Paragraph("Options stand before the command.");
        foreach (GlobalOption option in GlobalOption.All)
            page.Item(option.Label, option.Summary);
        page.Section("URIs");
        foreach ((string form, string[] lines) in UriForms.All)
            page.Item(form, string.Join(' ', lines));
        page.Help(UriForms.Default);

        page.Section("Commands").Paragraph("`ballast help COMMAND` prints the text below for one command.");
        foreach (CommandGroup group in groups)
        {
            page.Subsection(group.Title);
            foreach (Command command in group.Commands)
                WriteCommand(page, command);
        }

        WriteShell(page);
        WriteSshHelper(page);
        WriteRest(page);
        return page.ToString();
    }

    private static void WriteCommand(Roff page, Command command)
    {
        page.Item(HelpText.SynopsisOf(command), command.Summary);
        if (command.Description.Length == 0 && command.Options.Count == 0)
            return;
        page.Indent().Help(command.Description);
        foreach (CommandOption option in command.Options)
            page.Item(HelpText.Label(option), option.Summary);
        page.Outdent();
    }

    private static void WriteShell(Roff page)
    {
        page.Section("The shell")
            .Paragraph("`ballast` without a command reads one command line after the other and runs them over one connection. The prompt ends with `#`, or with `>` if the connection is read-only (`-r`, `connect --readonly`). Several commands of a line are separated by semicolons; `#` begins a comment.")
            .Paragraph("At a terminal, lines are edited by the system's libedit (keys: editline(7), settings: ~/.editrc) where it is installed:")
            .Item("Tab", "completes commands, options, names of domains, and values.")
            .Item("Up, Ctrl-R", "find earlier lines, of earlier shells too.")
            .Item("Ctrl-C", "ends the running command, or gives up the line; the shell stays.")
            .Item("Ctrl-D", "leaves the shell, like `quit` and the end of the input.")
            .Paragraph("If a daemon ends, the next command says so and connects again. If the input is not a terminal, its lines are shown behind the prompt, and the exit status is 0 whatever the commands did.");
    }

    private static void WriteSshHelper(Roff page) =>
        page.Section("The far end of ssh")
            .Paragraph("`ballast ssh-helper` is not meant to be run by hand: for URIs such as qemu+ssh://HOST/system, another ballast runs it on the daemon's host.")
            .Example(SshHelperCommand.Usage);

    private static void WriteRest(Roff page)
    {
        page.Section("Exit status")
            .Item("0", "The last command succeeded.")
            .Item("1", "It failed, or the command line is wrong: then nothing was run. doctor: something is wrong; watch: the condition of --until did not hold.")
            .Item("2", "doctor and watch only: they could not check anything, or their command line is wrong.")
            .Item("130, 143", "Ctrl-C or SIGTERM ended it.")
            .Section("Environment")
            .Item("VIRSH_DEFAULT_CONNECT_URI, LIBVIRT_DEFAULT_URI", "The default URI.")
            .Item($"{GlobalOptions.LevelVariable}, {GlobalOptions.LogVariable}", "The default level of -d and the default file of -l.")
            .Item("NO_COLOR", "Turns colours off.")
            .Item("XDG_STATE_HOME", "Where the shell's history is kept.")
            .Section("Files")
            .Item("$XDG_STATE_HOME/ballast/history, ~/.local/state/ballast/history", "The last 1000 lines that were typed in the shell; only their user may read them.")
            .Section("See also")
            .Paragraph("ballastd(8), ballastd.conf(5), virsh(1), editline(7)");
    }
}
