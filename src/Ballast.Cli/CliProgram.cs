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
            if (!e.IsReaderGone)
                output.Error($"cannot write to standard output: {e.Message}");
            return Failure;
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

        GlobalOptions options = GlobalOptions.Parse(arguments, suggests: !host.IsVirsh);
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
                return Failure;
        }

        using RunLog? log = RunLog.Start(options, host, output);
        log?.Write(LogLevels.Info, $"commands: \"{string.Join(' ', options.Words)}\"");
        switch (options.Words)
        {
            case []:
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
        if (commands is null)
            return Failure;

        await using CommandSession session = new(options, host, output, log);

        // As in virsh: a URI that was named is tried before anything runs, be it needed or not.
        bool opensItself = commands.Count > 0 && commands.All(command => command.Command.OpensConnections);
        if (options.Uri is not null && !opensItself && !await session.TryConnectAsync(cancellationToken))
            return Failure;
        CommandRunner runner = new(options, host, output, session);
        return await runner.RunAsync(commands, cancellationToken) ? Success : Failure;
    }

    // Apart, so that a single command does not pay for it.
    private static async Task<int> RunShellAsync(GlobalOptions options, CliHost host, CommandOutput output, RunLog? log, CancellationToken cancellationToken)
    {
        await using CommandSession session = new(options, host, output, log) { IsInteractive = true };
        CommandShell shell = new(options, host, output, new CommandRunner(options, host, output, session), session);
        return await shell.RunAsync(cancellationToken) ? Success : Failure;
    }

    private static string Version =>
        typeof(CliProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
}
