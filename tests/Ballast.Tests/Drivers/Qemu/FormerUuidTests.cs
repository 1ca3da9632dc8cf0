using Ballast.Drivers.Qemu.Inventory;
using Ballast.Telemetry;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>The UUIDs that a QEMU had are gone through while it is given another.</summary>
public sealed class FormerUuidTests
{
    [Fact]
    public void Whoever_goes_through_them_is_not_disturbed_by_the_next()
    {
        Guid[] uuids = [.. Enumerable.Range(0, 4).Select(_ => Guid.NewGuid())];
        QemuInstance instance = new(TimeProvider.System, ConnectionLog.None);
        instance.Name(new DomainIdentity("a", uuids[0], 1));
        instance.NoteListed();
        instance.Name(new DomainIdentity("a", uuids[1], 1));
        int next = 2;
        foreach (Guid former in instance.FormerUuids)
        {
            Assert.Equal(uuids[0], former);
            instance.Name(new DomainIdentity("a", uuids[next++], 1));
        }

        Assert.Equal(uuids[..2], instance.FormerUuids);
    }
}
