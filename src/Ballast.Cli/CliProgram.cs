using System.Reflection;
using Ballast.Cli.Commands;
using Ballast.Cli.Completion;
using Ballast.Cli.Help;
using Ballast.Cli.Log;
using Ballast.Cli.Manual;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;
using Ballast.Cli.Shell;

namespace Ballast.Cli;

/// <summary>The program without its process: words in, text and an exit code out.</summary>
internal static class CliProgram
{
    public const int Success = 0;
    public const int Failure = 1;

    /// <summary>Of commands whose failure is an answer: there is none.</summary>
    public const int NoAnswer = 2;

    public const int Interrupted = 130;

    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, CliHost host, CancellationToken cancellationToken = default)
    {
        CommandOutput output = new(host.StandardOutput, host.StandardError);
        try
        {
            int exitCode = await RunAsync(arguments, host, output, cancellationToken);
            output.Out.Flush();
            return exitCode;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (OutputException e)
        {
            try
            {
                if (!e.IsReaderGone)
                    output.Error($"cannot write to standard output: {e.Message}");
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Standard error takes nothing either, and somebody ended the program.
                return Interrupted;
            }

            return output.FailureExitCode;
        }
    }

    private static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, CliHost host, CommandOutput output, CancellationToken cancellationToken)
    {
        // Hidden: what is installed beside the program, and what that calls.
        switch (arguments.Count == 0 ? "" : arguments[0])
        {
            case CompleteCommand.Name:
                return CompleteCommand.Run([.. arguments.Skip(1)], host, output.Out, cancellationToken);
            case MakeCommand.Name:
                return MakeCommand.Run([.. arguments.Skip(1)], output, Version);
            case SshHelperCommand.Name:
                return await SshHelperCommand.RunAsync([.. arguments.Skip(1)], host, output, cancellationToken);
        }

        GlobalOptions options = GlobalOptions.Parse(arguments, suggests: !host.IsVirsh, IsOptionOfCommand, host.Variable);
        foreach (string remark in options.Remarks)
            output.Error(remark);
        switch (options.Action)
        {
            case GlobalAction.ShowHelp:
                output.Out.Write(HelpText.Usage(CommandTable.Groups));
                return Success;
            case GlobalAction.ShowVersion:
                output.Out.WriteLine($"ballast {Version}");
                return Success;
            case GlobalAction.ShowLongVersion:
                output.Out.Write(HelpText.LongVersion(Version));
                return Success;
            case GlobalAction.Fail:
                output.Error(options.Error);
                if (options.Hint is { } hint)
                    output.Hint(hint);
                return Failure;
        }

        using RunLog? log = RunLog.Start(options, host, output);
        log?.Write(LogLevels.Info, $"commands: \"{string.Join(' ', options.Words)}\"");
        switch (options.Words)
        {
            case []:
                if (TakesOne(options, host, output))
                    return Failure;
                SayLate(options, output);
                return await RunShellAsync(options, host, output, log, cancellationToken);
            case [""]: // virsh fails without a word, though a blank line succeeds
                return Failure;
        }

        // One word is a whole line; more than one were separated by the caller's shell already.
        IWordSource words = options.Words is [string line] ? new LineWords(line) : new ArgumentWords(options.Words);
        CommandParser parser = CommandLine.Parser(host);
        IReadOnlyList<ParsedCommand>? commands = parser.Parse(words);
        foreach (string error in parser.Errors)
            output.Error(error);
        if (commands is not null)
        {
            SayLate(options, output);
            output.FailureExitCode = FailureOf(commands);
        }

        int exitCode = commands is null ? parser.Current?.FailureExitCode ?? Failure
            : TakesOne(options, host, output, commands) ? FailureOf(commands)
            : await RunAsync(commands, options, host, output, log, cancellationToken);
        if (exitCode != Success && parser.Hint is { } misplaced)
            output.Hint(misplaced);
        return exitCode;
    }

    private static async Task<int> RunAsync(
        IReadOnlyList<ParsedCommand> commands, GlobalOptions options, CliHost host, CommandOutput output, RunLog? log, CancellationToken cancellationToken)
    {
        await using CommandSession session = new(options, host, output, log);

        // As in virsh: a URI that was named is tried before anything runs, be it needed or not.
        bool opensItself = commands.Count > 0
            && commands.All(command => command.Command.OpensConnections || (command.Command.TakesSeveral && session.HasSeveral));
        if (options.Uri is not null && !opensItself && !await session.TryConnectAsync(cancellationToken))
            return FailureOf(commands);
        CommandRunner runner = new(options, host, output, session);
        return await runner.RunAsync(commands, cancellationToken);
    }

    private static void SayLate(GlobalOptions options, CommandOutput output)
    {
        if (options.LateRemark is { } remark)
            output.Error(remark);
    }

    // The last one's exit status is the whole's.
    private static int FailureOf(IReadOnlyList<ParsedCommand> commands) => commands is [.., var last] ? last.Command.FailureExitCode : Failure;

    /// <summary>
    /// Says that of several connections all but one would be left out without a word, where they would. virsh takes the last.
    /// </summary>
    private static bool TakesOne(GlobalOptions options, CliHost host, CommandOutput output, params IReadOnlyList<ParsedCommand> commands)
    {
        if (host.IsVirsh || options.Uris.Distinct().Count() < 2
            || (commands.Count > 0 && commands.All(command => command.Command is { OpensConnections: true } or { TakesSeveral: true } || command.Command == HelpCommand.Command)))
        {
            return false;
        }

        output.Error($"only {string.Join(", ", CommandTable.All.Where(command => command.OpensConnections || command.TakesSeveral).Select(command => command.Name))} take several connections (-c)");
        output.Hint("name one, or ask all: ballast -c URI -c URI memory");
        return true;
    }

    private static bool IsOptionOfCommand(string name) =>
        CommandTable.All.Any(command => command.Options.Any(option => option.IsNamed(name)));

    // Apart, so that a single command does not pay for it.
    private static async Task<int> RunShellAsync(GlobalOptions options, CliHost host, CommandOutput output, RunLog? log, CancellationToken cancellationToken)
    {
        await using CommandSession session = new(options, host, output, log) { IsInteractive = true };
        CommandShell shell = new(options, host, output, new CommandRunner(options, host, output, session), session);
        return await shell.RunAsync(cancellationToken) ? Success : Failure;
    }

    /// <summary>The version of this build.</summary>
    public static string Version =>
        typeof(CliProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
}
