using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Ballast.Tests.Integration;

/// <summary>Writes a program that gives every function of the C interface handles that are none, and then calls them in a forked child.</summary>
internal static partial class NativeAbuse
{
    private const string Beginning =
        """
        #include "ballast.h"
        #include "check.h"
        #include <sys/wait.h>
        #include <unistd.h>

        static char scratch[65536];
        static virConnectPtr conn;
        static virDomainPtr dom;
        static ballastWatchPtr watch;
        static int calls;

        /* A handle that is none: the function fails, with this error. */
        #define REFUSES(isFailure, code) \
            do { \
                calls++; \
                memset(scratch, 0, sizeof scratch); \
                virResetLastError(); \
                CHECK(isFailure); \
                CHECK(virGetLastErrorCode() == (code)); \
            } while (0)

        #define SURVIVES(call) \
            do { \
                calls++; \
                memset(scratch, 0, sizeof scratch); \
                call; \
            } while (0)

        """;

    private const string Ending =
        """

        int main(void)
        {
            virSetErrorFunc(NULL, quiet);
            conn = virConnectOpen("test:///default");
            dom = virDomainLookupByID(conn, 1);
            watch = ballastConnectWatchMemoryStats(conn, NULL, 3600000, 0);
            void *staleConn = virConnectOpen("test:///default");
            void *staleDom = virDomainLookupByID(conn, 1);
            void *staleWatch = ballastConnectWatchMemoryStats(conn, NULL, 3600000, 0);
            CHECK(virConnectClose(staleConn) == 0);
            CHECK(virDomainFree(staleDom) == 0);
            ballastWatchFree(staleWatch);
            void *foreign = malloc(4096);
            memset(foreign, 0x5a, 4096);

            void *none[] = { (void *)16, (void *)-1, (void *)0x7fff00000000, (char *)conn + 1, (char *)dom - 1, foreign, &conn,
                             staleConn, staleDom, staleWatch };
            for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
                wrong_connections(none[i]);
                wrong_domains(none[i]);
                wrong_watches(none[i]);
            }
            wrong_connections(NULL);
            wrong_connections(dom);
            wrong_connections(watch);
            wrong_domains(conn);
            wrong_domains(watch);
            wrong_watches(NULL);
            wrong_watches(conn);
            wrong_watches(dom);
            free(foreign);

            /* What is right is still right. */
            CHECK(strcmp(virConnectGetType(conn), "TEST") == 0);
            CHECK(strcmp(virDomainGetName(dom), "test") == 0);
            CHECK(ballastWatchGetFd(watch) >= 0);

            pid_t child = fork();
            if (child == 0) {
                alarm(30);
                in_a_child();
                exit(failures != 0);
            }
            int status = -1;
            CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);

            ballastWatchFree(watch);
            CHECK(virDomainFree(dom) == 0);
            CHECK(virConnectClose(conn) == 0);
            printf("%d\n", calls);
            return finish();
        }
        """;

    // By the handle that a function takes: the error when it is none.
    private static readonly Dictionary<string, (string Valid, string Code)> Kinds = new()
    {
        ["virConnectPtr"] = ("conn", "VIR_ERR_INVALID_CONN"),
        ["virDomainPtr"] = ("dom", "VIR_ERR_INVALID_DOMAIN"),
        ["ballastWatchPtr"] = ("watch", "VIR_ERR_INVALID_ARG"),
    };

    // They ask for an error, and make none.
    private static readonly HashSet<string> Quiet =
        ["virConnGetLastError", "virConnCopyLastError", "virConnResetLastError", "virConnSetErrorFunc", "ballastWatchFree"];

    public static string Program()
    {
        NativeFunction[] functions = [.. NativeHeaders.Libvirt.Functions, .. NativeHeaders.Own.Functions];
        HashSet<string> managed = [.. Forwarded().Matches(File.ReadAllText(Path.Combine(NativeProgram.Root, "src/Ballast.Native/Shim/forward.c"))).Select(match => match.Groups[1].Value)];
        StringBuilder program = new(Beginning);
        foreach ((string kind, string name) in (ReadOnlySpan<(string, string)>)[("virConnectPtr", "wrong_connections"), ("virDomainPtr", "wrong_domains"), ("ballastWatchPtr", "wrong_watches")])
        {
            program.Append(CultureInfo.InvariantCulture, $"\nstatic void {name}(void *bad)\n{{\n");
            foreach (NativeFunction function in functions)
            {
                for (int i = 0; i < function.Parameters.Count; i++)
                {
                    if (function.Parameters[i] == kind)
                        program.Append(CultureInfo.InvariantCulture, $"    {Refusal(function, Arguments(function, i, "bad"), Kinds[kind].Code)}\n");
                    else if (kind == "virDomainPtr" && function.Parameters[i] == "virDomainPtr *")
                        program.Append(CultureInfo.InvariantCulture, $"    {Refusal(function, Arguments(function, i, "(virDomainPtr[]) { dom, bad, NULL }"), Kinds[kind].Code)}\n");
                }
            }

            program.Append("}\n");
        }

        program.Append("\nstatic void in_a_child(void)\n{\n");
        foreach (NativeFunction function in functions.Where(function => managed.Contains(function.Name)))
            program.Append(CultureInfo.InvariantCulture, $"    {Refusal(function, Arguments(function, -1, ""), "VIR_ERR_OPERATION_INVALID", isQuiet: false)}\n");
        return program.Append("}\n").Append(Ending).ToString();
    }

    private static string Refusal(NativeFunction function, string arguments, string code, bool? isQuiet = null) =>
        isQuiet ?? Quiet.Contains(function.Name) ? $"SURVIVES((void){function.Name}({arguments}));"
        : function.Failure is { } failure ? $"REFUSES({function.Name}({arguments}) == {failure}, {code});"
        : $"REFUSES(({function.Name}({arguments}), 1), {code});";

    private static string Arguments(NativeFunction function, int at, string bad) => string.Join(", ", function.Parameters.Select((type, i) =>
        i == at ? bad
        : Kinds.TryGetValue(type, out (string Valid, string Code) kind) ? kind.Valid
        : type == "const char *" ? "\"x\""
        : type.EndsWith('*') || type.EndsWith("const", StringComparison.Ordinal) ? "(void *)scratch"
        : type.EndsWith("Callback", StringComparison.Ordinal) || type.EndsWith("Func", StringComparison.Ordinal) || type.EndsWith("Check", StringComparison.Ordinal) ? "NULL"
        : type.EndsWith("Ptr", StringComparison.Ordinal) ? "(void *)scratch"
        : "0"));

    [GeneratedRegex(@"^FORWARD\w*\((?:[^()]*?(?:\(unsigned int\)-1)?[^()]*?, )?((?:vir|ballast)\w+), \(", RegexOptions.Multiline)]
    private static partial Regex Forwarded();
}
