using System.ComponentModel;
using System.Runtime.InteropServices;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Commands;

/// <summary>What works on the program itself: its connection, its directory and its end.</summary>
internal static class ShellCommands
{
    private static readonly CommandOption Name = new("name", OptionKind.Text, "the URI to connect to (`ballast --help` lists their forms); default: the current one")
    {
        IsPositional = true,
        MayBeEmpty = true,
        Completes = ValueCompletion.Uri,
    };

    private static readonly CommandOption ReadOnly = new("readonly", OptionKind.Flag, "refuse commands that change anything");

    private static readonly CommandOption Directory = new("dir", OptionKind.Text, "the directory; default: the home directory")
    {
        IsPositional = true,
        MayBeEmpty = true,
        Completes = ValueCompletion.Directory,
    };

    public static Command Connect { get; } = new("connect", "connect to another hypervisor, or reconnect")
    {
        Description =
            """
            Later commands use the new connection. If it cannot be opened, the current one stays.
            With a URI and without --readonly, changes are allowed, even if the program was started with -r.

            """,
        Options = [Name, ReadOnly],
        NeedsConnection = false,
        Execute = ConnectAsync,
    };

    public static Command ChangeDirectory { get; } = new("cd", "switch to another directory")
    {
        Description = "Works only in the shell (`ballast` without a command).\n",
        Options = [Directory],
        NeedsConnection = false,
        Execute = ChangeDirectoryAsync,
    };

    public static Command PrintDirectory { get; } = new("pwd", "show which directory the shell is in")
    {
        NeedsConnection = false,
        Execute = PrintDirectoryAsync,
    };

    public static Command Quit { get; } = new("quit", "leave the shell")
    {
        Description = "Commands after it on the same line do not run. Ctrl-D and the end of the input do the same.\n",
        NeedsConnection = false,
        Execute = End,
    };

    public static Command Exit { get; } = Quit with { Name = "exit", Summary = "the same as quit" };

    private static async ValueTask ConnectAsync(CommandInvocation invocation)
    {
        invocation.HasFailed = !await invocation.Session.ReplaceAsync(
            invocation.Arguments.Text(Name), invocation.Arguments.Has(ReadOnly), invocation.CancellationToken);
    }

    private static ValueTask ChangeDirectoryAsync(CommandInvocation invocation)
    {
        if (!invocation.Session.IsInteractive)
            throw new CommandException("cd: command valid only in interactive mode");
        string directory = invocation.Arguments.Text(Directory) is { Length: > 0 } named
            ? named
            : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);
        if (Libc.ChDir(directory) != 0)
            throw new CommandException($"cd: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}: {directory}");
        return default;
    }

    private static ValueTask PrintDirectoryAsync(CommandInvocation invocation)
    {
        try
        {
            invocation.Out.WriteLine(System.IO.Directory.GetCurrentDirectory());
        }
        catch (IOException e)
        {
            throw new CommandException($"pwd: {e.Message}");
        }

        return default;
    }

    private static ValueTask End(CommandInvocation invocation)
    {
        invocation.Session.End();
        return default;
    }
}
