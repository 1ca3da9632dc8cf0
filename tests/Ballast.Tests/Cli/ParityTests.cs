using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Ballast.Guests;

namespace Ballast.Tests.Cli;

/// <summary>The real virsh, asked for all cases once.</summary>
public sealed class VirshOutcomes : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, Outcome> _outcomes = new();

    public Outcome this[string key] => _outcomes[key];

    public async ValueTask InitializeAsync() =>
        await Parallel.ForEachAsync(
            ParityCases.All,
            new ParallelOptions { MaxDegreeOfParallelism = Math.Max(2, Environment.ProcessorCount / 2) },
            async (one, token) => _outcomes[one.Key] = await CliRun.ProcessAsync("virsh", one.Arguments, ParityTests.Variables(one), one.Input, token));

    public ValueTask DisposeAsync() => default;
}

// The test driver's domain belongs to the whole process: nobody else may change it meanwhile.
[CollectionDefinition(nameof(CliInProcess), DisableParallelization = true)]
public sealed class CliInProcess;

/// <summary>
/// Every command line of <see cref="ParityCases"/> through virsh and through ballast: output, errors and exit code are
/// equal byte for byte, but for the list in <see cref="Differences"/>.
/// </summary>
[Trait("needs", "virsh")]
[Collection(nameof(CliInProcess))]
public sealed class ParityTests(VirshOutcomes virsh) : IClassFixture<VirshOutcomes>
{
    private static readonly Dictionary<string, ParityCase> Cases = ParityCases.All.ToDictionary(one => one.Key);

    public static TheoryData<string> Keys => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task Ballast_does_what_virsh_does(string key)
    {
        ParityCase one = Cases[key];
        Outcome expected = Normalise(virsh[key]);
        Outcome actual = Normalise(await RunAsync(one));

        Parts found = Parts.None;
        if (actual.Output != expected.Output)
            found |= Parts.Output;
        if (actual.Error != expected.Error)
            found |= Parts.Error;
        if (actual.ExitCode != expected.ExitCode)
            found |= Parts.ExitCode;

        if (Installed.Libvirt >= NewerVirsh.Since && NewerVirsh.Does.TryGetValue(key, out string? otherwise))
        {
            Assert.True(found != Parts.None, $"no longer different: {otherwise}");
            return;
        }

        Parts allowed = one.Difference?.Parts ?? Parts.None;
        if ((found & ~allowed) != 0)
            Assert.Equal(expected, actual);
        Assert.True(one.Difference is null || found != Parts.None, $"no longer different: {one.Difference?.Reason}");
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task Under_its_own_name_it_only_adds_what_was_meant_and_looks_before_it_takes(string key)
    {
        ParityCase one = Cases[key];

        // What virsh has not may tell how old something is, which is never the same twice.
        if (one.Difference == Differences.AddedOption)
            return;
        Outcome expected = Normalise(await RunInsideAsync(one, isVirsh: true)), actual = Normalise(await RunInsideAsync(one, isVirsh: false));

        if (actual.Error.StartsWith("error: only doctor, list, memory, top take several connections", StringComparison.Ordinal))
            Assert.Equal(2, one.Arguments.Count(word => word == "-c"));
        else if (actual.Error.Contains("was not changed", StringComparison.Ordinal))
            Assert.Contains("setmem", key, StringComparison.Ordinal);
        else
            Assert.Equal(expected, actual with
            {
                // The shell says who it is.
                Output = Regex.Replace(
                    Regex.Replace(actual.Output, "ballast (?=[#>] )", "virsh "),
                    @"\Aballast's shell: .*\n\n", Regex.Match(expected.Output, @"\AWelcome to virsh,.*\n\nType:.*\n.*\n\n").Value),
                Error = Regex.Replace(actual.Error, @"error: did you mean '.*'\?\n|hint: .*\n|, did you mean --\w+\?(?= See)", match => match.Value[0] == ',' ? "." : ""),
            });
    }

    [Fact]
    public async Task Help_is_in_our_own_words()
    {
        foreach (Ballast.Cli.Parsing.Command command in Ballast.Cli.Commands.CommandTable.All)
        {
            Outcome theirs = await CliRun.ProcessAsync(
                "virsh", ["help", command.Name], cancellationToken: TestContext.Current.CancellationToken);
            HashSet<string> sentences = [.. theirs.Output.Split('\n', '-', StringSplitOptions.TrimEntries)];
            Assert.DoesNotContain(command.Summary, sentences);
            foreach (Ballast.Cli.Parsing.CommandOption option in command.Options)
            {
                Assert.DoesNotContain(
                    theirs.Output.Split('\n'),
                    line => line.Contains($"--{option.Name}", StringComparison.Ordinal) && line.EndsWith("  " + option.Summary, StringComparison.Ordinal));
            }
        }
    }

    internal static Dictionary<string, string> Variables(ParityCase one) =>
        one.Variable is { } variable ? new() { [variable.Name] = variable.Value } : [];

    // Under virsh's name: the native program by a link, as people give it that name.
    private static async Task<Outcome> RunAsync(ParityCase one)
    {
        if (CliRun.NativeProgram is not { } program)
            return await RunInsideAsync(one, isVirsh: true);
        using PrivateDirectory directory = new();
        string link = directory.File("virsh");
        _ = File.CreateSymbolicLink(link, Path.GetFullPath(program));
        return await CliRun.ProcessAsync(link, one.Arguments, Variables(one), one.Input, TestContext.Current.CancellationToken);
    }

    // The shell's directory is the test's own.
    private static async Task<Outcome> RunInsideAsync(ParityCase one, bool isVirsh)
    {
        string directory = Directory.GetCurrentDirectory();
        try
        {
            return await CliRun.BallastAsync(one.Arguments, open: null, Variables(one), isVirsh: isVirsh, input: one.Input, cancellationToken: TestContext.Current.CancellationToken);
        }
        finally
        {
            Directory.SetCurrentDirectory(directory);
        }
    }

    private static Outcome Normalise(Outcome outcome)
    {
        string output = outcome.Output;
        foreach ((string pattern, string replacement, _) in Differences.Normalisations)
            output = Regex.Replace(output, pattern, replacement);
        return outcome with { Output = output };
    }
}
