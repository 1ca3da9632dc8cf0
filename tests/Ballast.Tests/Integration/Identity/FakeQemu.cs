using Ballast.Guests;

namespace Ballast.Tests.Integration.Identity;

/// <summary>One of tests/worlds/fake-qemu.c, which starts at once, does what no real QEMU would, and writes down what it was told.</summary>
internal static class FakeQemu
{
    // Its descriptors: 8 is the log, 7 gets a byte when it listens.
    private const string Script = "exec 8>>\"$1\" 7>>\"$1.ready\"; argv0=$2; shift 2; exec -a \"$argv0\" \"$@\"";

    public static async Task<ChildProcess> StartAsync(
        string program, string log, string[] arguments, IReadOnlyDictionary<string, string>? environment, CancellationToken cancellationToken,
        string? calledAs = null)
    {
        ChildProcess process = await ChildProcess.StartAsync(
            "bash", ["-c", Script, "bash", log, calledAs ?? program, program, .. arguments], environment);
        await Deadline.UntilAsync(Deadline.Default, "process in QEMU's place", async token =>
        {
            if (process.HasExited)
            {
                await process.WaitForExitAsync(token);
                throw new InvalidOperationException($"It ended with status {process.ExitCode}: {process.Errors}");
            }

            return new FileInfo($"{log}.ready") is { Exists: true, Length: > 0 };
        }, cancellationToken);
        return process;
    }
}
