namespace Ballast;

/// <summary>What names a domain to a driver. Only the UUID selects it; the rest is for people.</summary>
internal sealed record DomainIdentity(string Name, Guid Uuid, int? Id)
{
    /// <summary>
    /// Which of the driver's domains it is, where the driver counts them: a process that comes later may bear the same name
    /// and UUID, and even the same id. Null where the handle came over a wire, which has no room for it.
    /// </summary>
    public long? Instance { get; init; }
}
