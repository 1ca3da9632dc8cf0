using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>What a failed connection over ssh leaves behind where the process may open no more files.</summary>
[Trait("needs", "qemu")]
public sealed class SshDescriptorTests
{
    // The shell of ballast is told to connect while it may open only so many files more; its descriptors are counted in between.
    private const string Limited = """
        mkfifo "$1/in"
        "$2" -c test:///default <"$1/in" >"$1/out" 2>&1 &
        exec 3>"$1/in"
        turn=0
        connect() {
            turn=$((turn + 1))
            for i in 1 2 3; do echo "connect '$3'"; done >&3
            echo "echo after$turn" >&3
            until grep -qx "after$turn" "$1/out"; do sleep 0.05; done
        }
        count() { ls "/proc/$!/fd" | wc -l; }
        connect "$@"
        before=$(count)
        for room in 1 2 3 4 5 6 7 8; do
            limit=0
            left=$room
            while [ "$left" -gt 0 ]; do
                [ -e "/proc/$!/fd/$limit" ] || left=$((left - 1))
                limit=$((limit + 1))
            done
            prlimit --pid "$!" "--nofile=$limit:"
            connect "$@"
            prlimit --pid "$!" --nofile=1024:
            # What ended a moment ago may still be closed.
            for i in 1 2 3 4 5 6 7 8 9 10; do
                [ "$(count)" -le "$before" ] && break
                sleep 0.1
            done
            echo "$room: $(($(count) - before)) more"
        done
        exec 3>&-
        wait
        cat "$1/out" >&2
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_left_open_however_few_files_may_be_opened()
    {
        using PrivateDirectory directory = new();
        string ssh = directory.Program("ssh", "#!/bin/sh\nexit 255\n");
        CommandResult result = await ChildProcess.RunAsync(
            "sh", ["-c", Limited, "sh", directory.Path, BallastProgram.Path, $"qemu+ssh://host/system?command={ssh}"], cancellationToken: Token);
        Assert.Equal(Enumerable.Range(1, 8).Select(static room => $"{room}: 0 more"), result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));

        // It was the room for more that was missing.
        Assert.Contains("no program can be started (socketpair: Too many open files): raise the limit of open files", result.Errors, StringComparison.Ordinal);
    }
}
