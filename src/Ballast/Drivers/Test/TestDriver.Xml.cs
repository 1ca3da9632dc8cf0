namespace Ballast.Drivers.Test;

internal sealed partial class TestDriver
{
    public ValueTask<string> GetXmlAsync(DomainIdentity domain, DomainXmlFlags flags, CancellationToken cancellationToken)
    {
        const DomainXmlFlags known = DomainXmlFlags.Secure | DomainXmlFlags.Inactive | DomainXmlFlags.Migratable;
        if ((flags & ~known) is not DomainXmlFlags.None and var unknown)
            throw LibvirtError.UnsupportedFlags((uint)unknown, "testDomainGetXMLDesc", ErrorOrigin.Test);
        Require(domain);
        TestDomainNow now = _domain.Now;
        bool isInactive = (flags & DomainXmlFlags.Inactive) != 0;
        return new(TestXml.Domain(
            isInactive ? now.Identity with { Id = null } : now.Identity, isInactive ? _domain.Persistent : now.Definition));
    }
}
