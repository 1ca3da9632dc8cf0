using System.Collections.Concurrent;
using Ballast.Cli.Parsing;
using Ballast.Cli.Top;

namespace Ballast.Cli;

/// <summary>What one of the hosts answered that a command asks.</summary>
/// <param name="Uri">The connection's.</param>
/// <param name="On">The command there; null where there is no connection.</param>
/// <param name="Value">The answer; the type's default where there is trouble.</param>
/// <param name="Trouble">Why there is no answer, in lines; empty: there is one.</param>
/// <param name="Guests">Which guests it has; null where that tells nothing, or there is only one host.</param>
internal sealed record HostAnswer<T>(string Uri, CommandInvocation? On, T? Value, IReadOnlyList<string> Trouble, HostGuests? Guests = null);

/// <summary>
/// The hosts that a command asks, all at once: the connection that commands use, or each of those that were named by several
/// <c>-c</c>. Of several, one that does not answer delays no other, and its error is its own.
/// </summary>
internal sealed class HostGroup : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly CommandInvocation _invocation;
    private readonly ConnectionGroup? _group;
    private readonly ConcurrentDictionary<string, bool> _found = new();
    private readonly ConcurrentDictionary<ConnectionGroupMember, string> _uris = new();
    private readonly ConcurrentDictionary<string, ConnectionGroupMember> _askedBy = new();
    private bool _hasTrouble;

    private HostGroup(CommandInvocation invocation, ConnectionGroup? group) => (_invocation, _group) = (invocation, group);

    /// <summary>Whether several were named, so that each thing that is shown needs a word where it is.</summary>
    public bool IsSeveral => _group is not null;

    /// <param name="invocation">The command.</param>
    /// <param name="work">How long it may take beside the time to answer, where there are several.</param>
    public static HostGroup Of(CommandInvocation invocation, TimeSpan work = default) =>
        new(invocation, invocation.Session.HasSeveral ? invocation.Session.OpenGroup(Patience + work) : null);

    /// <summary>Asks all of them the same.</summary>
    /// <param name="question">Asks one.</param>
    /// <param name="tells">Whether to say which has not answered; else the caller does.</param>
    /// <param name="wantsInactive">Whether domains that do not run are asked for, which of two names of one host only libvirt's daemon knows.</param>
    /// <exception cref="CommandException">None has answered.</exception>
    public async Task<IReadOnlyList<HostAnswer<T>>> AskAsync<T>(Func<CommandInvocation, Task<T>> question, bool tells = true, bool wantsInactive = false)
    {
        if (_group is null)
            return [new(_invocation.Connection.Uri, _invocation, await question(_invocation), [])];
        HostAnswer<T>[] answers = [.. (await Task.WhenAll(_group.Members.Select(member => AskAsync(member, question)))).OfType<HostAnswer<T>>()];
        HostAnswer<T>[] all = answers;
        answers = [.. all.Where((answer, i) => answer.Trouble.Count > 0 || !all.Where((_, other) => IsShownBy(other, i)).Any())];
        string[] trouble = [.. answers.Where(answer => answer.Trouble.Count > 0).SelectMany(
            answer => answer.Trouble.Select((line, i) => i == 0 ? $"{NameOf(answer.Uri)}: {line}" : line))];
        if (Array.TrueForAll(answers, answer => answer.Trouble.Count > 0))
            throw new CommandException(trouble);
        foreach (string line in tells ? trouble : [])
            _invocation.Error(line);
        _invocation.HasFailed = _hasTrouble = trouble.Length > 0;
        return answers;

        // Of two names of one host, the one with more guests, else the first.
        bool IsShownBy(int other, int one)
        {
            HostGuests? guests = all[one].Guests, others = all[other].Guests;
            if (other == one || all[other].Trouble.Count > 0 || others?.Cover(guests) != true)
                return false;
            return wantsInactive && guests!.AreOfLibvirt != others.AreOfLibvirt ? others.AreOfLibvirt : !guests!.Cover(others) || other < one;
        }
    }

    /// <summary>The domains of these names, as far as this host has them.</summary>
    /// <param name="on">The command on one of the hosts.</param>
    /// <param name="names">As they were typed.</param>
    /// <exception cref="CommandException">The only host that is asked has no such domain.</exception>
    public static async Task<List<Domain>> FindAsync(CommandInvocation on, IEnumerable<string> names)
    {
        List<Domain> domains = [];
        foreach (string name in names)
        {
            try
            {
                domains.Add(await Commands.DomainArgument.FindAsync(on, name, Commands.DomainKeys.Any));
                on.Hosts?._found.TryAdd(name, true);
            }
            catch (CommandException e) when (on.Hosts is not null && e.InnerException is null)
            {
                // Another host may have it.
            }
        }

        return domains;
    }

    /// <summary>Fails where none of several hosts has one of the domains.</summary>
    /// <returns>
    /// What to tell of those that are missing beside what was found: where a host has not answered, it may have them, and the others'
    /// answers count all the same.
    /// </returns>
    /// <exception cref="CommandException">Every host has answered, and one of the domains is nowhere.</exception>
    public string[] RequireFound(IEnumerable<string> names)
    {
        string[] missing = [.. names.Where(name => IsSeveral && !_found.ContainsKey(name)).Distinct()
            .Select(name => $"failed to get domain '{name}' of any host{(_hasTrouble ? " that answered" : "")}")];
        return missing.Length == 0 || _hasTrouble ? missing : throw new CommandException(missing);
    }

    /// <summary>Says what is missing; the command has failed then, whatever else it shows.</summary>
    public void Tell(string[] missing)
    {
        foreach (string line in missing)
            _invocation.Error(line);
        _invocation.HasFailed |= missing.Length > 0;
    }

    /// <summary>A host's name, in few columns: what tells it from the others.</summary>
    public string NameOf(string uri) => HostNames.Short(uri, _group!.Members.Select(UriOf).Distinct());

    public ValueTask DisposeAsync() => _group?.DisposeAsync() ?? default;

    /// <returns>Null where another member is the same host by another name: it is asked once.</returns>
    private async Task<HostAnswer<T>?> AskAsync<T>(ConnectionGroupMember member, Func<CommandInvocation, Task<T>> question)
    {
        CommandInvocation? on = null;
        bool isSame = false;
        HostGuests? guests = null;
        ConnectionAnswer<(T? Value, CommandException? Failure)> answer = await member.AskAsync<(T?, CommandException?)>(
            async (connection, token) =>
            {
                string uri = _uris[member] = connection.Uri;
                isSame = _askedBy.GetOrAdd(uri, member) != member;
                if (isSame)
                    return (default, null);
                guests = await HostGuests.AskAsync(connection, token);
                on = _invocation.On(this, NameOf(UriOf(member)), connection, token);
                try
                {
                    return (await question(on), null);
                }
                catch (CommandException e)
                {
                    return (default, e);
                }
            },
            _invocation.CancellationToken);
        if (isSame)
            return null;
        string[] trouble = answer.Error is { } error ? [error.Message] : [.. answer.Value.Failure?.Lines ?? []];
        return new(UriOf(member), on, answer.Value.Value, trouble, guests);
    }

    // What a name stands for is known with the connection; guests have that URI, too.
    private string UriOf(ConnectionGroupMember member) => _uris.GetValueOrDefault(member) ?? member.Uri ?? "default";
}
