using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>The C library as it ships, through C programs, and beside the system's libvirt. See tests/native.</summary>
[Trait("needs", "libvirtd")]
public sealed partial class NativeLibraryTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_exports_libvirts_symbols_in_their_versions_and_its_own_and_nothing_else()
    {
        string[] listed = await File.ReadAllLinesAsync(Path.Combine(NativeProgram.Sources, "symbols.txt"), Token);
        Assert.Equal(listed, await SymbolsAsync(Path.Combine(NativeProgram.Libraries, "libballast.so")));
        Assert.Equal(526 + 6 + 4, listed.Count(line => line.Contains(" LIBVIRT_", StringComparison.Ordinal)));

        List<string> theirs = [];
        foreach (string name in (string[])["libvirt", "libvirt-qemu", "libvirt-lxc"])
        {
            string library = (await RunAsync("sh", "-c", $"ldconfig -p | sed -n 's/.*{name}\\.so\\.0 .*=> //p' | head -n 1")).Trim();
            theirs.AddRange((await SymbolsAsync(library)).Where(line => !line.Contains("LIBVIRT_PRIVATE_", StringComparison.Ordinal)));
        }

        // A libvirt has those of its own version and before.
        Assert.Equal(listed.Where(line => VersionOf(line) is { } version && version <= Installed.Libvirt), theirs.Order(StringComparer.Ordinal));

        static Version? VersionOf(string line) => SymbolVersion().Match(line) is { Success: true } match ? Version.Parse(match.Groups[1].Value) : null;
    }

    [Fact]
    public async Task Its_header_has_libvirts_layouts_numbers_and_types_of_functions()
    {
        string theirs = await LayoutsAsync("#include <libvirt/libvirt.h>\n#include <libvirt/virterror.h>", forLibvirt: true, NativeHeaders.Libvirt);

        // Each libvirt has a version of its own, and kinds of events up to it; the header has those of 12.8.
        theirs = Regex.Replace(theirs, @"(?<=\bVIR_DOMAIN_EVENT_ID_LAST )(27|28)\b", "30");
        if (Installed.Libvirt >= new Version(11, 2))
            theirs = AsOf(theirs);
        string ours = await LayoutsAsync("#include \"ballast-libvirt.h\"", forLibvirt: false, NativeHeaders.Libvirt);
        Assert.Equal(theirs, ours);
        Assert.Contains("_virTypedParameter.value 88 8\n", ours, StringComparison.Ordinal);
        Assert.True(NativeHeaders.Libvirt.Functions.Count > 110, $"{NativeHeaders.Libvirt.Functions.Count} functions are read from the header.");
        Assert.True(NativeHeaders.Libvirt.Constants.Count > 120, $"{NativeHeaders.Libvirt.Constants.Count} constants are read from the header.");
    }

    [Theory]
    [InlineData("NativeError", "_virError")]
    [InlineData("NativeParameter", "_virTypedParameter")]
    [InlineData("NativeStatsRecord", "_virDomainStatsRecord")]
    [InlineData("NativeNodeStat", "_virNodeMemoryStats")]
    [InlineData("NativeNodeStat", "_virNodeCPUStats")]
    [InlineData("NativeNodeInfo", "_virNodeInfo")]
    [InlineData("NativeDomainInfo", "_virDomainInfo")]
    [InlineData("NativeCredential", "_virConnectCredential")]
    [InlineData("NativeAuthentication", "_virConnectAuth")]
    [InlineData("NativeStat", "_virDomainMemoryStat")]
    [InlineData("NativeVcpuInfo", "_virVcpuInfo")]
    [InlineData("NativeControlInfo", "_virDomainControlInfo")]
    [InlineData("NativeJobInfo", "_virDomainJobInfo")]
    [InlineData("NativeBlockStats", "_virDomainBlockStats")]
    [InlineData("NativeBlockInfo", "_virDomainBlockInfo")]
    [InlineData("NativeInterfaceStats", "_virDomainInterfaceStats")]
    [InlineData("NativeSample", "_ballastMemorySample")]
    [InlineData("NativeMemoryRecord", "_ballastMemoryRecord")]
    [InlineData("NativePressure", "_ballastMemoryPressure")]
    [InlineData("NativeHostMemory", "_ballastHostMemory")]
    [InlineData("NativeProcessMemory", "_ballastProcessMemory")]
    public async Task Its_managed_structures_are_laid_out_as_in_C(string managed, string native)
    {
        Type type = Assembly.Load("Ballast.Native").GetType($"Ballast.Native.{managed}", throwOnError: true)!;
        string[] lines = (await LayoutsAsync("#include \"ballast.h\"", forLibvirt: false, NativeHeaders.Libvirt, NativeHeaders.Own)).Split('\n');
        Assert.Contains($"{native} {SizeOf(type)}", lines);

        // Fields of a union lie one upon the other: in C it is one field.
        IEnumerable<string> fields = type.GetFields(BindingFlags.Public | BindingFlags.Instance)
            .GroupBy(OffsetOf)
            .OrderBy(group => group.Key)
            .Select(group => $"{group.Key} {group.Max(field => SizeOf(field.FieldType))}");
        Assert.Equal(lines.Where(line => line.StartsWith($"{native}.", StringComparison.Ordinal)).Select(line => line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]), fields);
    }

    [Fact]
    public async Task Every_function_that_it_does_not_have_says_so_and_fails_as_its_type_does()
    {
        MatchCollection stubs = Stub().Matches(await File.ReadAllTextAsync(Path.Combine(NativeProgram.Root, "src/Ballast.Native/Shim/unsupported.c"), Token));
        using NativeProgram program = await NativeProgram.BuildAsync("stubs", forLibvirt: false, Token);
        CommandResult result = await program.RunAsync(Token, stubs.Select(stub => $"{ResultOf(stub)}:{stub.Groups[2].Value}"));
        Assert.Equal(new CommandResult(0, $"{stubs.Count}\n", ""), result);

        // By libvirt's headers, all that they declare and we do not is among them, with that kind of result.
        Dictionary<string, string> declared = DeclaredByLibvirt();
        HashSet<string> ours = [.. NativeHeaders.Libvirt.Functions.Select(function => function.Name)];
        Assert.Equal(
            declared.Where(pair => !ours.Contains(pair.Key)).Select(pair => $"{pair.Value} {pair.Key}").Order(StringComparer.Ordinal),
            stubs.Select(stub => $"{ResultOf(stub)} {stub.Groups[2].Value}").Where(stub => declared.ContainsKey(stub[(stub.IndexOf(' ', StringComparison.Ordinal) + 1)..])).Order(StringComparer.Ordinal));
        Assert.True(declared.Count > 480, $"{declared.Count} declarations are read from libvirt's headers.");
    }

    [Fact]
    [Trait("oracle", "libvirt 9.0")]
    public async Task Every_function_of_libvirts_headers_is_compared_with_libvirt_or_out_of_scope_for_a_reason()
    {
        string rows = await File.ReadAllTextAsync(Path.Combine(NativeProgram.Sources, "parity.c"), Token)
            + await File.ReadAllTextAsync(Path.Combine(NativeProgram.Sources, "life.c"), Token);
        HashSet<string> compared = [.. Row().Matches(rows).Select(match => match.Groups[1].Value), "virDefaultErrorFunc"];
        HashSet<string> refused =
        [
            .. Stub().Matches(await File.ReadAllTextAsync(Path.Combine(NativeProgram.Root, "src/Ballast.Native/Shim/unsupported.c"), Token))
                .Select(match => match.Groups[2].Value),
        ];
        (string Pattern, string Reason)[] outOfScope =
        [
            .. (await File.ReadAllLinesAsync(Path.Combine(NativeProgram.Sources, "out-of-scope.txt"), Token))
                .Where(line => line.Length > 0 && line[0] != '#')
                .Select(line => line.Split('\t'))
                .Select(parts => (parts[0], parts[1])),
        ];
        Assert.All(outOfScope, one => Assert.NotEqual("", one.Reason));

        string[] declared = [.. DeclaredByLibvirt().Keys];
        Assert.True(declared.Length > 480, $"{declared.Length} declarations are read from libvirt's headers.");
        Assert.DoesNotContain(declared, name => !compared.Contains(name) && !outOfScope.Any(one => Names(one.Pattern, name)));

        // What is served is in scope, and no reason stands without a function.
        Assert.DoesNotContain(declared, name => !refused.Contains(name) && outOfScope.Any(one => Names(one.Pattern, name)));
        Assert.DoesNotContain(outOfScope, one => !declared.Any(name => Names(one.Pattern, name)));

        static bool Names(string pattern, string name) =>
            System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
    }

    // A newer libvirt's test driver has other texts and other free pages.
    [Fact]
    [Trait("oracle", "libvirt 9.0")]
    public async Task The_test_driver_answers_a_program_as_libvirts_does()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("parity", forLibvirt: true, Token);
        CommandResult theirs = await program.RunOnLibvirtAsync(Token);
        CommandResult ours = await program.RunCheckedAsync(Token);
        Assert.Equal((0, 0, ""), (theirs.ExitCode, ours.ExitCode, ours.Errors));

        Assert.Equal("", await NativeAnswers.CompareAsync(Unnumbered(AsOf(theirs.Output)), ours.Output, "parity-differences.txt", Token));
    }

    [Fact]
    public async Task It_prints_errors_as_libvirt_does()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("words", forLibvirt: true, Token);
        CommandResult theirs = await program.RunOnLibvirtAsync(Token);
        Assert.Equal(0, theirs.ExitCode);
        Assert.Contains("libvirt:  error : words\n", theirs.Errors, StringComparison.Ordinal);
        Assert.Contains("libvirt: QEMU Driver error : words\n", theirs.Errors, StringComparison.Ordinal);
        Assert.Equal(theirs, await program.RunAsync(Token));
    }

    [Fact]
    public async Task It_asks_for_credentials_on_the_terminal_as_libvirt_does()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("ask", forLibvirt: true, Token);
        CommandResult theirs = await program.RunOnLibvirtAsync(Token);
        Assert.Equal(0, theirs.ExitCode);
        Assert.StartsWith("6: 2 6 8 5 7 9; no data\n", theirs.Output, StringComparison.Ordinal);
        CommandResult ours = await program.RunAsync(Token);
        if (Installed.Libvirt < new Version(11, 3))
        {
            Assert.Equal(theirs, ours);
            return;
        }

        // 11.3 ends the line of a password that is not given, and without a terminal it reads none at all.
        Assert.NotEqual(theirs, ours);
        Assert.Equal(OnTerminal(theirs.Output), OnTerminal(ours.Output));

        static string OnTerminal(string output) =>
            Regex.Split(output, @"\n\[0\]\r?\n")[0].Replace("Password: \r\n[0 /0]", "Password: [0 /0]", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("perl", "binding.pl")]
    [InlineData("ruby", "binding.rb")]
    public async Task Unmodified_bindings_of_other_languages_tell_the_same_on_it(string language, string script)
    {
        string[] arguments = [Path.Combine(NativeProgram.Sources, script), "test:///default"];
        CommandResult theirs = await ChildProcess.RunAsync(language, arguments, cancellationToken: Token);
        CommandResult ours = await ChildProcess.RunAsync(
            language, arguments, new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = NativeProgram.Abi }, cancellationToken: Token);
        Assert.Contains("2097152 8388608 2", ours.Output, StringComparison.Ordinal);
        Assert.Equal(theirs with { Output = AsOf(theirs.Output) }, ours);
    }

    [Fact]
    public async Task A_program_that_knows_our_header_alone_uses_all_that_libvirt_cannot_say()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("own", forLibvirt: false, Token);
        Assert.Equal(new CommandResult(0, "", ""), await program.RunAsync(Token));
        Assert.Equal(new CommandResult(0, "", ""), await program.RunCheckedAsync(Token));
    }

    [Fact]
    public async Task Handles_that_are_none_are_errors_and_so_is_every_call_after_a_fork()
    {
        using NativeProgram program = await NativeProgram.BuildTextAsync(NativeAbuse.Program(), forLibvirt: false, Token);
        CommandResult result = await program.RunCheckedAsync(Token);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.True(int.Parse(result.Output, System.Globalization.CultureInfo.InvariantCulture) > 1000, $"{result.Output} calls");
    }

    [Fact]
    public async Task Eight_threads_make_a_million_calls_and_memory_stays_as_it_is()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("threads", forLibvirt: false, Token);
        CommandResult result = await program.RunAsync(Token, "1000000");
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.StartsWith("heap ", result.Output, StringComparison.Ordinal);
        result = await program.RunCheckedAsync(Token, "2000");
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
    }

    [Fact]
    public async Task Signals_children_forks_and_the_end_stay_the_programs()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("process", forLibvirt: false, Token);
        Assert.Equal(new CommandResult(0, "", ""), await program.RunAsync(Token));
    }

    [Fact]
    public async Task It_refuses_to_be_unloaded_and_works_on()
    {
        using NativeProgram program = await NativeProgram.BuildAsync("unload", forLibvirt: false, Token);
        Assert.Equal(new CommandResult(0, "", ""), await program.RunAsync(Token, Path.Combine(NativeProgram.Libraries, "libballast.so")));
    }

    [Theory]
    [InlineData("name", "name")]
    [InlineData("a\0b", "a\uFFFDb")]
    [InlineData("\0", "\uFFFD")]
    public void A_text_with_a_NUL_is_not_taken_for_another_one_in_C(string text, string expected)
    {
        Type texts = Assembly.Load("Ballast.Native").GetType("Ballast.Native.NativeText", throwOnError: true)!;
        nint copy = (nint)texts.GetMethod("Copy", [typeof(string)])!.Invoke(null, [text])!;
        Assert.Equal(expected, Marshal.PtrToStringUTF8(copy));
        Marshal.FreeHGlobal(copy); // free(), as for C programs
    }

    // The test driver tells its library's version; ours is that of the libvirt whose behaviour it has.
    private static string AsOf(string output) =>
        output.Replace($" {(Installed.Libvirt.Major * 1_000_000) + (Installed.Libvirt.Minor * 1000) + Installed.Libvirt.Build}", " 9000000", StringComparison.Ordinal);

    // A newer libvirt's formats number their arguments.
    private static string Unnumbered(string output) => NumberedArgument().Replace(output, "%s");

    [Theory]
    [InlineData("", 8, "", 0)]
    [InlineData("1234567", 8, "1234567", 7)]
    [InlineData("12345678", 8, "1234567", 8)]
    [InlineData("123456\u00e4", 8, "123456", 8)]
    [InlineData("12345\u20ac", 8, "12345", 8)]
    [InlineData("1234\ud83d\ude00", 8, "1234", 8)]
    [InlineData("a\0b", 8, "a\ufffdb", 5)]
    [InlineData("\u20ac\u20ac\u20ac\u20ac", 8, "\u20ac\u20ac", 12)]
    public void A_text_that_does_not_fit_is_cut_at_a_whole_character_and_its_length_told(string text, int room, string expected, int length)
    {
        Type texts = Assembly.Load("Ballast.Native").GetType("Ballast.Native.NativeText", throwOnError: true)!;
        Span<byte> field = stackalloc byte[room];
        field.Fill(0x5a);
        Assert.Equal(length, texts.GetMethod("Fill")!.CreateDelegate<Filling>()(field, text));
        int end = field.IndexOf((byte)0);
        Assert.Equal(expected, System.Text.Encoding.UTF8.GetString(field[..end]));
        Assert.All(field[end..].ToArray(), rest => Assert.Equal(0, rest));
    }

    [Fact]
    public void What_a_hypervisor_said_is_told_with_its_length_and_cut_at_a_whole_character()
    {
        const int version1 = 368, detailLength = 112, detail = 116;
        MemoryStats stats = new MemoryStatsFacts
        {
            Entries = [],
            Obstacle = MemoryStatsReason.MonitorHung,
            Detail = string.Concat(Enumerable.Repeat("\u20ac", 200)),
        }.ToSample(DateTimeOffset.UnixEpoch);
        MethodInfo write = Assembly.Load("Ballast.Native").GetType("Ballast.Native.MemorySamples", throwOnError: true)!.GetMethod("Write")!;
        nint sample = Marshal.AllocHGlobal(version1);
        try
        {
            Marshal.WriteInt32(sample, version1);
            Assert.Equal(0, write.Invoke(null, [stats, MemoryStatsOptions.None, sample, (nint)0, 0]));
            Assert.Equal(600, Marshal.ReadInt32(sample + detailLength));
            Assert.Equal(string.Concat(Enumerable.Repeat("\u20ac", 83)), Marshal.PtrToStringUTF8(sample + detail));
        }
        finally
        {
            Marshal.FreeHGlobal(sample);
        }
    }

    [Fact]
    public async Task The_documentations_program_is_built_by_pkg_config_wherever_the_files_are_put()
    {
        using PrivateDirectory directory = new();
        foreach (string part in (string[])["include", "pkgconfig", "libballast.so", "libballast.so.0"])
            await RunAsync("cp", "-a", "--", Path.Combine(NativeProgram.Libraries, part), directory.Path);
        string text = await File.ReadAllTextAsync(Path.Combine(NativeProgram.Root, "docs/c-api.md"), Token);
        (int begin, int end) = (text.IndexOf("```c\n", StringComparison.Ordinal) + "```c\n".Length, text.IndexOf("\n```\n\n    cc", StringComparison.Ordinal));
        await File.WriteAllTextAsync(directory.File("example.c"), text[begin..end] + "\n", Token);
        string program =
            $"""
            export PKG_CONFIG_PATH={directory.Path}/pkgconfig
            pkg-config --modversion ballast && cd {directory.Path} &&
            gcc -Wall -Wextra -Werror -o example $(pkg-config --cflags ballast) example.c $(pkg-config --libs ballast) \
                -Wl,-rpath,$(pkg-config --variable=libdir ballast) && ./example
            """;
        string[] lines = (await RunAsync("sh", "-c", program)).Split('\n');
        Assert.Equal(typeof(Connection).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion, lines[0]);
        Assert.Equal(5, lines[1..].Count(line => line.Contains(" KiB used, ", StringComparison.Ordinal)));
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        CommandResult result = await ChildProcess.RunAsync(program, arguments, cancellationToken: Token);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        return result.Output;
    }

    // "0000000000012345 T virDomainFree@@LIBVIRT_0.0.3" without addresses and without the versions' own symbols.
    private static async Task<string[]> SymbolsAsync(string library) =>
        [.. (await RunAsync("nm", "-D", "--defined-only", "--with-symbol-versions", library))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' '))
            .Where(parts => parts[^2] != "A")
            .Select(parts => parts[^1].Replace("@@", " ", StringComparison.Ordinal).Replace('@', ' '))
            .Order(StringComparer.Ordinal)];

    private static async Task<string> LayoutsAsync(string includes, bool forLibvirt, params NativeHeaders[] headers)
    {
        using NativeProgram program = await NativeProgram.BuildTextAsync(NativeHeaders.LayoutProgram(includes, headers), forLibvirt, Token);
        CommandResult result = forLibvirt ? await program.RunOnLibvirtAsync(Token) : await program.RunAsync(Token);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        return result.Output;
    }

    private static int SizeOf(Type type) => type.IsPointer || type.IsFunctionPointer
        ? nint.Size
        : (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    private static int OffsetOf(FieldInfo field)
    {
        const int enough = 65536;
        DynamicMethod addressOf = new("AddressOf", typeof(nint), [typeof(nint)], typeof(NativeLibraryTests).Module, skipVisibility: true);
        ILGenerator il = addressOf.GetILGenerator();
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldflda, field);
        il.Emit(OpCodes.Conv_U);
        il.Emit(OpCodes.Ret);
        nint memory = Marshal.AllocHGlobal(enough);
        try
        {
            return (int)(((Func<nint, nint>)addressOf.CreateDelegate(typeof(Func<nint, nint>)))(memory) - memory);
        }
        finally
        {
            Marshal.FreeHGlobal(memory);
        }
    }

    private static string ResultOf(Match stub) => stub.Groups[1].Value is ['L', ..] ? "INT" : stub.Groups[1].Value;

    private static string KindOf(string type) =>
        type == "void" ? "NOTHING" : type.EndsWith('*') || type.EndsWith("Ptr", StringComparison.Ordinal) ? "POINTER" : "INT";

    private delegate int Filling(Span<byte> field, string text);

    // Functions of libvirt's own headers, and what kind of result each has.
    private static Dictionary<string, string> DeclaredByLibvirt() =>
        Declaration()
            .Matches(string.Concat(
                Directory.EnumerateFiles("/usr/include/libvirt", "*.h").Where(file => !file.EndsWith("-admin.h", StringComparison.Ordinal)).Select(File.ReadAllText)))
            .DistinctBy(match => match.Groups[2].Value)
            .ToDictionary(match => match.Groups[2].Value, match => KindOf(match.Groups[1].Value.Trim()));

    // A call in one of the macros of say.h, plain, cast or assigned.
    [GeneratedRegex(@"\b(?:NUMBER|TEXT|LENT|FOUND|SOME_TEXT|DONE)\(\(?(?:\w+\)|\w+ = )?(vir[A-Z]\w+)\(")]
    private static partial Regex Row();

    [GeneratedRegex(@"^(INT|LIST(?:_OF)?|POINTER|NOTHING)\((vir\w+)\)", RegexOptions.Multiline)]
    private static partial Regex Stub();

    [GeneratedRegex(@"^((?:const |unsigned |struct )*\w+(?: long)*[\s\*]+)(vir[A-Z]\w+)\s*\((?!\s*\*)", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@" LIBVIRT_(?:\w+_)?([0-9.]+)$")]
    private static partial Regex SymbolVersion();

    [GeneratedRegex(@"%\d\$s")]
    private static partial Regex NumberedArgument();
}
