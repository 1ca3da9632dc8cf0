using Ballast.Cli.Commands;
using Ballast.Cli.Output;

namespace Ballast.Cli.Completion;

/// <summary>Completes a line of the shell; domains are those of its connection.</summary>
internal sealed class SessionCompleter(CliHost host, CommandSession session)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Where choices are shown.</summary>
    public Stream Terminal => host.StandardOutput;

    public int Columns => host.Columns() ?? CompletionColumns.UsualWidth;

    public Completed Complete(string before, CancellationToken cancellationToken)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using IDisposable interrupts = host.OnInterrupt(over.Cancel);
        PartialLine line = PartialLine.Read(before);
        ValueSource values = new(() => DomainCandidates.Get([_ => new(session.Connection)], Patience, host.TimeProvider, over.Token));
        IReadOnlyList<Candidate> all = new TableCompleter(CommandTable.All, values).Complete(line.Words, line.Current);
        Candidate[] found = [.. all.Where(candidate => PartialLine.CanBeTyped(candidate.Text, line.Quote))];
        if (found.Length == 0)
            return Completed.Nothing;
        int common = found.Min(candidate => CommonLength(candidate.Text, found[0].Text));
        string insert = PartialLine.Escape(found[0].Text[line.Current.Length..common], line.Quote);
        if (found is [{ IsOpen: false }])
            insert += line.Quote == '\0' ? " " : $"{line.Quote} ";
        return insert.Length > 0 ? new Completed(insert, []) : new Completed("", [.. found.Select(candidate => SafeText.Escape(candidate.Text))]);
    }

    // Never half of a character.
    private static int CommonLength(string one, string other)
    {
        int length = one.AsSpan().CommonPrefixLength(other);
        return length > 0 && char.IsHighSurrogate(one[length - 1]) ? length - 1 : length;
    }
}
