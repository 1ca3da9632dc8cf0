using System.Text;
using Ballast.Cli.Commands;
using Ballast.Cli.Parsing;
using Ballast.Cli.Watch;

namespace Ballast.Fuzz.Targets;

/// <summary>
/// What somebody types: a line of the shell; the program's arguments, a NUL behind each; numbers, sizes and conditions. It is refused in
/// words, or is commands of the table.
/// </summary>
internal sealed class CommandTarget : FuzzTarget
{
    public override string Name => "command";

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. CommandTable.All.Select(command => command.Name)
            .Concat(CommandTable.All.SelectMany(command => command.Options).Select(option => $"--{option.Name}").Distinct())
            .Concat(WatchCondition.Names)
            .Concat([";", "\n", "\\", "\\\n", "\"", "'", "#", " ", "\t", "--", "-c", "-r", "-q", "=", "<", ">", ",", "%", "KiB", "MB", "18446744073709551615", "-1", "0x", "\0", "\uFFFD"])
            .Select(Encoding.UTF8.GetBytes),
    ];

    public override IReadOnlyList<byte[]> Seeds { get; } =
    [
        .. new[]
        {
            "dommemstat test --period 5; list --all", "-c\0test:///default\0setmem\0test\01G\0--live\0", "used>90%,age>60", "echo \"a 'b\" '\"' c\\ d # rest\nlist",
            "12M", "-r\0-q\0--\0domstats\0--balloon\0--raw\0", "help --command dommemstat; watch test --until 'usable<10%,swap-out>0'",
        }.Select(Encoding.UTF8.GetBytes),
    ];

    public override int Run(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        string[] arguments = text.Split('\0');

        // A log file would be opened.
        if (arguments.Any(argument => argument is ['-', ..] && argument.Contains('l', StringComparison.Ordinal)))
            return HashCode.Combine(Commands(new LineWords(text)), Values(text));
        GlobalOptions options = GlobalOptions.Parse(arguments, suggests: true, name => CommandTable.All.Any(command => command.Options.Any(option => option.IsNamed(name))));
        FuzzException.Require(arguments.TakeLast(options.Words.Count).SequenceEqual(options.Words), "the words of the command are not the last ones");
        FuzzException.Require((options.Action == GlobalAction.Fail) == (options.Error.Length > 0), "it fails without a word, or says something without failing");
        return HashCode.Combine(options.Action, Commands(new LineWords(text)), Commands(new ArgumentWords(options.Words)), Values(text));
    }

    private static int Commands(IWordSource words)
    {
        CommandParser parser = new(CommandTable.Find, static () => CommandTable.Names, HelpCommand.Command, HelpCommand.Topic) { Suggests = true };
        if (parser.Parse(words) is not { } commands)
        {
            FuzzException.Require(parser.Errors.Count > 0 && parser.Errors.All(error => error.Length > 0), "it is refused without a word");
            return -1;
        }

        foreach (ParsedCommand command in commands)
        {
            FuzzException.Require(
                command.Command.Options.All(option => !option.IsRequired || command.Has(option) || (option.RequiredUnless is { } other && command.Has(other))),
                $"{command.Command.Name} lacks what it requires");
        }

        return Math.Min(commands.Count, 3);
    }

    private static int Values(string text)
    {
        int read = 0;
        if (NumberText.TryReadSize(text, 1024, out ulong bytes, out string? cause))
            read |= 1;
        FuzzException.Require(read != 0 || bytes == 0, "a size that was refused has a value");
        FuzzException.Require(read == 0 || cause is null, "a size that was taken has a reason against it");
        if (NumberText.TryReadCNumber(text, out _))
            read |= 2;
        if (NumberText.TryReadNumber(text, out _))
            read |= 4;
        try
        {
            read |= WatchCondition.ReadAll(text).Count > 0 ? 8 : 0;
        }
        catch (CommandException e)
        {
            FuzzException.Require(e.Lines.All(line => line.Length > 0), "a condition is refused without a word");
        }

        return read;
    }
}
