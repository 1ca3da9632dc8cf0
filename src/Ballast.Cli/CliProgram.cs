using System.Reflection;
using Ballast.Cli.Commands;
using Ballast.Cli.Help;
using Ballast.Cli.Output;
using Ballast.Cli.Parsing;

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
        GlobalOptions options = GlobalOptions.Parse(arguments, suggests: !host.IsVirsh);
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

        switch (options.Words)
        {
            case []:
                output.ErrorText(HelpText.Usage(CommandTable.Groups));
                return Failure;
            case [""]: // virsh fails without a word, though a blank line succeeds
                return Failure;
        }

        // One word is a whole line; more than one were separated by the caller's shell already.
        IWordSource words = options.Words is [string line] ? new LineWords(line) : new ArgumentWords(options.Words);
        CommandParser parser = new(CommandTable.All, HelpCommand.Command, HelpCommand.Topic) { Suggests = !host.IsVirsh, Explains = OutOfScope.Explain };
        IReadOnlyList<ParsedCommand>? commands = parser.Parse(words);
        foreach (string error in parser.Errors)
            output.Error(error);
        if (commands is null)
            return Failure;

        await using CommandRunner runner = new(options, host, output);
        return await runner.RunAsync(commands, cancellationToken) ? Success : Failure;
    }

    private static string Version =>
        typeof(CliProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
}
