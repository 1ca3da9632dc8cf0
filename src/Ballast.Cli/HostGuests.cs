namespace Ballast.Cli;

/// <summary>Whom a connection leads to, as far as it tells.</summary>
/// <param name="Name">The host's name.</param>
/// <param name="Address">The host in the URI; empty for this one.</param>
/// <param name="CountsIds">Whether a domain's id is a number of libvirt's daemon, and not its QEMU's process.</param>
internal sealed record HostPlace(string Name, string Address, bool CountsIds)
{
    /// <summary>Asks a connection; null where it does not tell its host's name. Simulated hosts are all alike.</summary>
    public static async ValueTask<HostPlace?> AskAsync(Connection connection, CancellationToken cancellationToken)
    {
        try
        {
            return connection.DriverType != "TEST" && await connection.GetHostNameAsync(cancellationToken) is { Length: > 0 } name
                ? new(name, AddressIn(connection.Uri), connection.IsRemote && await connection.GetDaemonVersionAsync(cancellationToken) is null)
                : null;
        }
        catch (LibvirtException)
        {
            return null;
        }
    }

    private static string AddressIn(string uri)
    {
        int at = uri.IndexOf("://", StringComparison.Ordinal);
        string authority = at < 0 ? "" : uri[(at + 3)..].Split('/', '?')[0];
        authority = authority[(authority.LastIndexOf('@') + 1)..];
        int port = authority.LastIndexOf(':');
        return (port > authority.LastIndexOf(']') ? authority[..port] : authority).ToUpperInvariant();
    }
}

/// <summary>
/// Which guests a connection leads to. Two URIs that lead to the same ones name one host: shown twice, its guests would count twice in
/// every sum.
/// </summary>
internal sealed class HostGuests
{
    private readonly HostPlace _place;
    private readonly HashSet<(Guid Uuid, int? Id)> _byId;
    private readonly HashSet<(Guid Uuid, string Name)> _byName;

    private HostGuests(HostPlace place, IEnumerable<Domain> guests)
    {
        _place = place;
        _byId = [.. guests.Select(guest => (guest.Uuid, guest.Id))];
        _byName = [.. guests.Select(guest => (guest.Uuid, guest.Name))];
    }

    /// <param name="place">Where the guests are; null where that is not known.</param>
    /// <param name="guests">Those that run.</param>
    /// <returns>Null where they tell nothing: no guest is like no other.</returns>
    public static HostGuests? Of(HostPlace? place, IEnumerable<Domain> guests) =>
        place is not null && new HostGuests(place, guests) is { _byId.Count: > 0 } all ? all : null;

    /// <summary>Whether the ids are numbers of libvirt's daemon, which knows domains that do not run, too.</summary>
    public bool AreOfLibvirt => _place.CountsIds;

    /// <summary>Asks a connection for all that is needed.</summary>
    public static async ValueTask<HostGuests?> AskAsync(Connection connection, CancellationToken cancellationToken)
    {
        if (await HostPlace.AskAsync(connection, cancellationToken) is not { } place)
            return null;
        try
        {
            return Of(place, await connection.ListDomainsAsync(DomainListFilter.Active, cancellationToken));
        }
        catch (LibvirtException)
        {
            // Whoever asks for its guests next says why.
            return null;
        }
    }

    /// <summary>Whether the other's guests are among these, in the same processes.</summary>
    public bool Cover(HostGuests? other) => other is not null && (
        HasSameIds(other) ? _byId.SetEquals(other._byId) : MayBeSame(other) && _byName.IsSupersetOf(other._byName));

    /// <summary>Whether some of them are the same: guests come and go between two looks.</summary>
    public bool AreSomeOf(HostGuests? other) => other is not null && (
        HasSameIds(other) ? _byId.Overlaps(other._byId) : MayBeSame(other) && _byName.Overlaps(other._byName));

    private bool HasSameIds(HostGuests other) => _place.Name == other._place.Name && _place.CountsIds == other._place.CountsIds;

    // libvirt's daemon counts its domains, and ballastd gives the process. Clones on two hosts may have one UUID, and the hosts one
    // name: there the URIs have to lead to one place.
    private bool MayBeSame(HostGuests other) =>
        _place.Name == other._place.Name && _place.CountsIds != other._place.CountsIds && _place.Address == other._place.Address;
}
