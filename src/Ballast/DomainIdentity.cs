namespace Ballast;

/// <summary>What names a domain to a driver. Only the UUID selects it; the rest is for people.</summary>
internal sealed record DomainIdentity(string Name, Guid Uuid, int? Id);
