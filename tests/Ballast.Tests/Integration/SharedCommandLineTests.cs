using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Ballast.Guests;
using Ballast.Tests.Cli;

namespace Ballast.Tests.Integration;

/// <summary>
/// The command lines of <see cref="ParityCases"/> again, on a real libvirtd with a real guest and on ballastd with the same one: the
/// guest has the name, the UUID and on libvirtd the id of the test driver's domain, so they mean the same. Output, errors and exit status
/// of virsh and of ballast under its name are equal byte for byte, but for the differences of the list. With virsh 11.3, which does 34 of
/// 1,621 otherwise (<see cref="NewerVirsh"/>), the others are.
/// </summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
[Trait("needs", "virsh")]
public sealed partial class SharedCommandLineTests(ITestOutputHelper output)
{
    private const int Fewest = 600, AtATime = 2;

    /// <summary>What moves between two looks at the same guest.</summary>
    private static readonly (string Pattern, string Replacement)[] Normalisations =
    [
        (@"(?m)^(CPU time: +)[0-9.]+s", "$1Ns"),
        (@"(?m)^(.*rss[= ])[0-9]+", "$1N"),
        (@"(?m)^((usage|kernel|user|system|idle|iowait|total|free|buffers|cached)\s*:)\s*[0-9]+(\.[0-9]+%)?", "$1 N"),
        (@"(?m)^(CPU: +)[0-9]+", "$1N"),
        (@"(?m)^(\s+(cpu|user|system)_time\s+)[0-9.]+( seconds)", "$1N$3"),
        (@"(?m)^( *(cpu\.(time|user|system)|vcpu\.[0-9]+\.(time|wait|delay))=)[0-9]+", "$1N"),
        (@"(?m)^(Total:|4KiB:| *[0-9]+:) *[0-9]+", "$1 N"),
        (@"\(Time: [0-9]+\.[0-9]{3} ms\)", "(Time: N ms)"),
    ];

    /// <summary>What is otherwise on a real hypervisor alone, and stays so.</summary>
    private static readonly (string Lines, string Reason)[] Staying =
    [
        (@"^maxvcpus( --type=qemu| qemu)?$", "virsh asks for a domain's capabilities first, for which the library has no call; it asks what virsh asks next."),
        (@"^vcpupin test \d+ ", "ballast does not set processors; what it says instead, before it refuses, is the test driver's."),
        (@"^domname '\\n1'$", Differences.EscapedText.Reason + " On ballastd nothing has the id 1."),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_command_line_does_on_a_real_guest_what_it_does_with_virsh()
    {
        using PrivateDirectory directory = new();
        string monitor = directory.File("second.sock"), link = directory.File("virsh");
        _ = File.CreateSymbolicLink(link, Path.GetFullPath(BallastProgram.Path));
        await using LibvirtDaemon libvirtd = await LibvirtDaemon.StartAsync(Token);
        string name = await libvirtd.CreateDomainAsync(
            DomainXml.ForLinuxGuest("test", await LinuxGuestImage.GetAsync(Token), periodSeconds: 1, new Guid(ParityCases.Uuid), monitorPath: monitor), Token);
        Assert.Equal("test", name);
        await using BallastDaemon ballastd = await BallastDaemon.StartAsync(Token, "--qmp", monitor);
        await Deadline.UntilAsync(TimeSpan.FromSeconds(120), "a report of the guest", async token =>
            BallastProgram.ParseStats((await libvirtd.VirshAsync(["dommemstat", name], token)).Output).Count == 13, Token);

        // From here on the numbers stand still.
        Assert.Equal("", (await libvirtd.VirshAsync(["dommemstat", name, "--period", "0"], Token)).Errors);
        Assert.Equal("", (await libvirtd.VirshAsync(["suspend", name], Token)).Errors);
        ParityCase[] cases = [.. ParityCases.All.Where(one => one.OnTestDriver && !Changes().IsMatch(string.Join(' ', [.. one.Words, one.Input])))];
        Assert.InRange(cases.Length, Fewest, int.MaxValue);
        List<string> differences = [];
        foreach ((string who, string uri) in new[] { ("libvirtd", libvirtd.Uri), ("ballastd", ballastd.Uri) })
        {
            ConcurrentBag<ParityCase> suspects = [];
            List<string> others = [];
            await Parallel.ForEachAsync(cases, new ParallelOptions { MaxDegreeOfParallelism = AtATime, CancellationToken = Token }, async (one, token) =>
            {
                if (await DifferenceAsync(link, uri, one, token) is not null)
                    suspects.Add(one);
            });

            // What another one did at the same time is no difference: a job keeps questions that do not wait from their answer.
            foreach (ParityCase one in suspects.OrderBy(one => one.Key, StringComparer.Ordinal))
            {
                if (await DifferenceAsync(link, uri, one, Token) is not { } difference)
                    continue;
                if (NewerVirsh.WhyOtherwise(one.Key) is { } why)
                    others.Add($"{one.Key}: {why}");
                else
                    differences.Add($"{who}: {difference}");
            }

            output.WriteLine($"{cases.Length} command lines on {who}, of which the newer virsh does {others.Count} otherwise");
            foreach (string other in others.Order(StringComparer.Ordinal))
                output.WriteLine(other);
        }

        Assert.True(differences.Count == 0, $"{differences.Count} of {cases.Length} differ:\n\n{string.Join("\n\n", differences)}");
    }

    /// <returns>Null: none that may not be.</returns>
    private static async Task<string?> DifferenceAsync(string link, string uri, ParityCase one, CancellationToken token)
    {
        string[] arguments = ["-c", uri, .. one.Words];
        Outcome theirs = await AskAsync("virsh", arguments, one, token), ours = await AskAsync(link, arguments, one, token);
        return Staying.Any(known => Regex.IsMatch(one.Key, known.Lines)) || !Differ(theirs, ours, one.Difference?.Parts ?? Parts.None) ? null
            : $"{one.Key}\n--- virsh: {theirs.ExitCode}\n{theirs.Output}{theirs.Error}--- ballast: {ours.ExitCode}\n{ours.Output}{ours.Error}";
    }

    private static async Task<Outcome> AskAsync(string program, string[] arguments, ParityCase one, CancellationToken token)
    {
        Outcome outcome = await CliRun.ProcessAsync(program, arguments, ParityTests.Variables(one), one.Input, token);
        string text = NewerVirsh.WithoutAdded(outcome.Output);
        foreach ((string pattern, string replacement) in Normalisations)
            text = Regex.Replace(text, pattern, replacement, RegexOptions.None, TimeSpan.FromSeconds(10));
        return outcome with { Output = text };
    }

    private static bool Differ(Outcome theirs, Outcome ours, Parts allowed) =>
        (theirs.Output != ours.Output && !allowed.HasFlag(Parts.Output))
        || (theirs.Error != ours.Error && !allowed.HasFlag(Parts.Error))
        || (theirs.ExitCode != ours.ExitCode && !allowed.HasFlag(Parts.ExitCode));

    // Whoever is second would find what the first one left.
    [GeneratedRegex(@"\b(destroy|suspend|resume|reset|reboot|shutdown|dompmwakeup|domdirtyrate-calc)\b(?!.*\bnosuch\b)", RegexOptions.Singleline)]
    private static partial Regex Changes();
}
