using Ballast.Cli.Commands;
using Ballast.Cli.Parsing;

namespace Ballast.Cli.Completion;

/// <summary>Completes the program's own command line, for the shells that people type it in.</summary>
internal sealed class ProgramCompleter(CliHost host, CancellationToken cancellationToken)
{
    // The hypervisor may be dead: whoever pressed Tab is not kept.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly List<string?> _uris = [];

    /// <param name="words">What is behind the program's name already.</param>
    /// <param name="current">The beginning of the word.</param>
    public IReadOnlyList<Candidate> Complete(IReadOnlyList<string> words, string current)
    {
        int next = 0;
        ValueSource values = new(() => DomainCandidates.Get(
            Asked(words.ElementAtOrDefault(next)).Select(uri => new Func<CancellationToken, ValueTask<Connection?>>(token => OpenAsync(uri, token))),
            Patience, host.TimeProvider, cancellationToken));
        GlobalOption? awaited = null;
        while (next < words.Count && (awaited is not null || words[next].StartsWith('-')))
        {
            string word = words[next++];
            if (awaited is null && word == "--")
                break;
            Take(word, ref awaited);
        }

        if (awaited is not null)
            return Starting(values.Of(awaited.Completes, current), current);
        if (next == words.Count && current.StartsWith('-'))
            return OfOptions(values, current);
        return new TableCompleter(CommandTable.All, values).Complete([.. words.Skip(next)], current);
    }

    private static Candidate[] OfOptions(ValueSource values, string current)
    {
        if (current.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
        {
            string before = current[..(equals + 1)];
            return GlobalOption.Find(current[2..equals]) is { TakesValue: true } option
                ? [.. Starting(values.Of(option.Completes, current[(equals + 1)..]), current[(equals + 1)..]).Select(value => value with { Text = before + value.Text })]
                : [];
        }

        return Starting(GlobalOption.All.Select(option => new Candidate($"--{option.Name}", option.Summary)), current);
    }

    private static Candidate[] Starting(IEnumerable<Candidate> candidates, string current) =>
        [.. candidates.Where(candidate => candidate.Text.StartsWith(current, StringComparison.Ordinal)).OrderBy(candidate => candidate.Text, StringComparer.Ordinal)];

    // The grammar is that of GlobalOptions; here nothing is done, and a mistake stops nothing.
    private void Take(string word, ref GlobalOption? awaited)
    {
        if (awaited is not null)
        {
            Keep(awaited, word);
            awaited = null;
            return;
        }

        if (word.StartsWith("--", StringComparison.Ordinal))
        {
            string[] parts = word[2..].Split('=', 2);
            if (GlobalOption.Find(parts[0]) is not { TakesValue: true } option)
                return;
            if (parts.Length == 1)
                awaited = option;
            else
                Keep(option, parts[1]);
            return;
        }

        for (int i = 1; i < word.Length; i++)
        {
            if (GlobalOption.Find(word[i]) is not { TakesValue: true } option)
                continue;
            if (i + 1 == word.Length)
                awaited = option;
            else
                Keep(option, word[(i + 1)..]);
            return;
        }
    }

    private void Keep(GlobalOption option, string value)
    {
        if (option.Letter == 'c')
            _uris.Add(value);
    }

    // All that were named, where the command asks all; else the last, as it would.
    private IEnumerable<string?> Asked(string? command) =>
        !host.IsVirsh && CommandTable.Find(command) is { TakesSeveral: true } && _uris.Count > 0
            ? _uris.Distinct() : [_uris.LastOrDefault()];

    private async ValueTask<Connection?> OpenAsync(string? named, CancellationToken token)
    {
        string? uri = named ?? host.Variable("VIRSH_DEFAULT_CONNECT_URI") ?? host.Variable("LIBVIRT_DEFAULT_URI");

        // Nobody who presses Tab expects a question for a password in the middle of the line.
        if (uri is not null && ConnectUri.TryParse(uri, out ConnectUri? parsed) && parsed.Transport == "ssh")
            uri += parsed.Parameters.Count > 0 ? "&no_tty=1" : "?no_tty=1";
        return await host.Open(string.IsNullOrEmpty(uri) ? null : uri, ConnectionOptions.Default with { ReadOnly = true, TimeProvider = host.TimeProvider }, token);
    }
}
