namespace Ballast;

/// <summary>Bulk statistics of one domain.</summary>
public sealed class DomainStatsRecord
{
    internal DomainStatsRecord(Domain domain, IReadOnlyList<TypedParameter> parameters)
    {
        Domain = domain;
        Parameters = parameters;
    }

    /// <summary>The domain.</summary>
    public Domain Domain { get; }

    /// <summary>The fields (<c>balloon.current</c>) and their values, in libvirt's order.</summary>
    public IReadOnlyList<TypedParameter> Parameters { get; }
}
