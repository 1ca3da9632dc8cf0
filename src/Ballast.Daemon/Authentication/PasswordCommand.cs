using System.Security.Cryptography;
using System.Text;
using Ballast.Server.Authentication;
using Ballast.Typing;

namespace Ballast.Daemon.Authentication;

/// <summary><c>ballastd passwd</c>: keeps the users that are let in by SASL. A password comes from the terminal or standard input, never from an argument.</summary>
internal static class PasswordCommand
{
    public const string Name = "passwd";

    private const int MaxPasswordBytes = 1024;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="UsageException">The arguments are wrong.</exception>
    /// <exception cref="IOException">The file cannot be read or written.</exception>
    /// <exception cref="InvalidDataException">The file is not a file of users, or the password is empty or cannot be used.</exception>
    public static void Run(IReadOnlyList<string> arguments)
    {
        (string? user, bool deletes, bool lists, List<string> others) = Read(arguments);
        DaemonOptions options = DaemonOptions.Read(others);
        UserFile users = new(options.SaslUsers);
        if (lists)
        {
            foreach (string name in users.Names())
                Console.Out.Write($"{name}\n");
        }
        else if (deletes)
        {
            // As it stands in the file first: another program, or an earlier version, may have written it in another form.
            if (!users.Change(user!, null) && !users.Change(UserFile.Name(user!), null))
                throw new UsageException($"there is no user '{user}' in {options.SaslUsers}");
        }
        else
        {
            string name = UserFile.Name(user!);
            _ = users.Change(name, ScramVerifier.Of(ReadPassword(name)));
        }
    }

    private static (string? User, bool Deletes, bool Lists, List<string> Others) Read(IReadOnlyList<string> arguments)
    {
        string? user = null;
        bool deletes = false, lists = false;
        List<string> others = [];
        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] is "--delete")
                deletes = true;
            else if (arguments[i] is "--list")
                lists = true;
            else if (arguments[i] is "--config" && i + 1 < arguments.Count)
                others.AddRange(arguments[i], arguments[++i]);
            else if (arguments[i].StartsWith("--config=", StringComparison.Ordinal))
                others.Add(arguments[i]);
            else if (arguments[i].StartsWith('-') || user is not null)
                throw Wrong();
            else
                user = arguments[i];
        }

        return lists == (user is null) && !(lists && deletes) ? (user, deletes, lists, others) : throw Wrong();
    }

    private static UsageException Wrong() => new("usage: ballastd passwd [--config FILE] USER, … USER --delete, or … --list; the password is asked for, or read from standard input");

    private static string ReadPassword(string user)
    {
        if (!StandardDescriptor.IsGiven(0))
            throw new IOException("standard input is closed: the password is read from it");
        using TerminalEcho? hidden = TerminalEcho.Hide();
        if (hidden is null)
            return ReadLine();
        string first = Ask($"New password of '{user}': "), second = Ask("Again: ");
        return first == second ? first : throw new UsageException("the two passwords differ: nothing was changed");
    }

    private static string Ask(string question)
    {
        Console.Error.Write(question);
        string answer = ReadLine();
        Console.Error.WriteLine();
        return answer;
    }

    // Byte by byte, and not by the console, which would show what is typed.
    private static string ReadLine()
    {
        using FileStream input = new(new Microsoft.Win32.SafeHandles.SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 0);
        byte[] line = new byte[MaxPasswordBytes];
        int length = 0;
        try
        {
            while (input.ReadByte() is >= 0 and not '\n' and var next)
            {
                if (length == MaxPasswordBytes)
                    throw new UsageException($"the password is longer than {MaxPasswordBytes} bytes");
                line[length++] = (byte)next;
            }

            return Strict.GetString(line, 0, length);
        }
        catch (DecoderFallbackException)
        {
            // With something else in the place of its letters it would be another password, which nobody knows.
            throw new UsageException("the password is not UTF-8: use a terminal of that encoding, or convert the file (iconv -t UTF-8)");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(line);
        }
    }
}
