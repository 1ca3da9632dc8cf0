using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>What the C library leaves to a program whose call it refuses.</summary>
[Trait("needs", "libvirtd")]
public sealed partial class NativeRefusalTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // "sets @nets to NULL in case of error": programs free what they are left with.
    [Fact]
    public async Task A_list_that_is_refused_is_none_wherever_libvirt_says_so()
    {
        (string Name, string[] Arguments)[] lists =
        [
            .. Declaration().Matches(string.Concat(Directory.EnumerateFiles("/usr/include/libvirt", "*.h").Select(File.ReadAllText)))
                .Select(match => (match.Groups[1].Value, match.Groups[2].Value.Split(',').Select(one => Spaces().Replace(one, " ").Trim()).ToArray())),
        ];
        Assert.True(lists.Length >= 19, $"{lists.Length} functions with a list are read from libvirt's headers.");
        using NativeProgram program = await NativeProgram.BuildTextAsync(Program(lists), forLibvirt: true, Token);
        string[] theirs = await AnswersAsync(program.RunOnLibvirtAsync(Token)), ours = await AnswersAsync(program.RunAsync(Token));
        Assert.True(theirs.Length > 25, string.Join('\n', theirs));
        Assert.Equal(theirs.Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)]), ours.Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)]));
        Assert.DoesNotContain(ours, line => line.EndsWith("untouched", StringComparison.Ordinal));
        Assert.Contains("virConnectListAllNetworks(conn): none", theirs);
    }

    [Fact]
    public async Task Texts_that_are_no_UTF8_name_no_domain_and_make_none()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("bytes", forLibvirt: true, Token);
        CommandResult theirs = await program.RunOnLibvirtAsync(Token);
        Assert.StartsWith("that says its encoding: none 35/", theirs.Output, StringComparison.Ordinal);
        Assert.Equal(theirs, await program.RunAsync(Token));
    }

    private static async Task<string[]> AnswersAsync(Task<CommandResult> run)
    {
        CommandResult result = await run;
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    // Each function without what it is asked of, and with it where that is a connection or a domain; the flags are none's.
    private static string Program((string Name, string[] Arguments)[] lists)
    {
        IEnumerable<string> calls = lists.SelectMany(list => FirstsOf(list.Arguments[0]).Select(first =>
            $"    list = UNSET; result = {list.Name}({string.Join(", ", list.Arguments.Select((argument, i) => Value(argument, i == 0 ? first : null)))});\n"
            + $"    printf(\"%s: %s\\n\", \"{list.Name}({first})\", result >= 0 ? \"a list\" : list == UNSET ? \"untouched\" : list ? \"set\" : \"none\");\n"));
        return
            $$"""
            #include <libvirt/libvirt.h>
            #include <libvirt/virterror.h>
            #include <stdio.h>
            #define UNSET ((void *)0x1234560)
            static void quiet(void *opaque, virErrorPtr error) { (void)opaque; (void)error; }
            int main(void)
            {
                virSetErrorFunc(NULL, quiet);
                virConnectPtr conn = virConnectOpen("test:///default");
                virDomainPtr dom = virDomainLookupByName(conn, "test"), doms[] = { dom, NULL };
                void *list;
                int result;
                (void)doms;
            {{string.Concat(calls)}}
                return 0;
            }

            """;

        static string[] FirstsOf(string argument) => Type(argument) switch
        {
            "virConnectPtr" => ["NULL", "conn"],
            "virDomainPtr" => ["NULL", "dom"],
            "virDomainPtr *" => ["NULL", "doms"],
            _ => ["NULL"],
        };

        static string Value(string argument, string? first) =>
            first ?? (argument.Contains("**", StringComparison.Ordinal) ? "(void *)&list" : argument == "unsigned int flags" ? "1u << 30" : "0");

        static string Type(string argument) => argument[..(argument.LastIndexOfAny([' ', '*']) + 1)].TrimEnd();
    }

    // Those that make a list of structures.
    [GeneratedRegex(@"^int\s+(vir(?!Adm)\w+)\s*\(([^;()]*\w+Ptr \*\*[^;()]*)\);", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
