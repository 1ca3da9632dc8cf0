namespace Ballast.Cli;

/// <summary>
/// Which guests a connection leads to. Two URIs that lead to the same ones name one host: shown twice, its guests would count twice in
/// every sum.
/// </summary>
internal sealed class HostGuests
{
    private readonly string _host;
    private readonly HashSet<(Guid Uuid, int? Id)> _guests;

    private HostGuests(string host, HashSet<(Guid Uuid, int? Id)> guests) => (_host, _guests) = (host, guests);

    /// <param name="connection">Where the guests are.</param>
    /// <param name="host">The name of its host; null where that is not known.</param>
    /// <param name="guests">Those that run.</param>
    /// <returns>Null where they tell nothing: simulated hosts are all alike, and no guest is like no other.</returns>
    public static HostGuests? Of(Connection connection, string? host, IEnumerable<Domain> guests) =>
        host is { Length: > 0 } && connection.DriverType != "TEST" && guests.Select(guest => (guest.Uuid, guest.Id)).ToHashSet() is { Count: > 0 } all
            ? new(host, all)
            : null;

    /// <summary>Asks a connection for all that is needed.</summary>
    public static async ValueTask<HostGuests?> AskAsync(Connection connection, CancellationToken cancellationToken)
    {
        if (await NameAsync(connection, cancellationToken) is not { } host)
            return null;
        try
        {
            return Of(connection, host, await connection.ListDomainsAsync(DomainListFilter.Active, cancellationToken));
        }
        catch (LibvirtException)
        {
            // Whoever asks for its guests next says why.
            return null;
        }
    }

    /// <summary>The name of a connection's host; null where it does not tell.</summary>
    public static async ValueTask<string?> NameAsync(Connection connection, CancellationToken cancellationToken)
    {
        try
        {
            return connection.DriverType == "TEST" ? null : await connection.GetHostNameAsync(cancellationToken);
        }
        catch (LibvirtException)
        {
            return null;
        }
    }

    /// <summary>Whether they are the same guests, in the same processes.</summary>
    public bool AreThose(HostGuests? other) => other is not null && _host == other._host && _guests.SetEquals(other._guests);

    /// <summary>Whether some of them are the same: guests come and go between two looks.</summary>
    public bool AreSomeOf(HostGuests? other) => other is not null && _host == other._host && _guests.Overlaps(other._guests);
}
