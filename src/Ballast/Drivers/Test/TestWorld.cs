namespace Ballast.Drivers.Test;

/// <summary>A simulated host and its domains.</summary>
internal sealed class TestWorld(TestNode node)
{
    // libvirt's, down to the last address.
    private const string DefaultDomain =
        """
        <domain type='test'>
          <name>test</name>
          <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
          <memory>8388608</memory>
          <currentMemory>2097152</currentMemory>
          <vcpu>2</vcpu>
          <os><type>hvm</type></os>
          <devices>
            <disk type='file' device='disk'>
              <source file='/guest/diskimage1'/>
              <target dev='vda' bus='virtio'/>
              <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
            </disk>
            <interface type='network'>
              <mac address='aa:bb:cc:dd:ee:ff'/>
              <source network='default'/>
              <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>
            </interface>
            <memballoon model='virtio'>
              <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>
            </memballoon>
          </devices>
        </domain>
        """;

    public TestNode Node { get; } = node;

    public TestDomains Domains { get; } = new();

    /// <summary>The host of <c>test:///default</c> with its one domain, which runs.</summary>
    public static TestWorld CreateDefault()
    {
        const ulong firstCellKiB = 2097152, secondCellKiB = 4194304, freeKiB = 3145728;
        TestWorld world = new(new TestNode { CellsKiB = [firstCellKiB, secondCellKiB], FreeKiB = freeKiB });
        world.Domains.Add(
            TestDefinitionXml.Read(DefaultDomain), new DomainStateInfo(DomainState.Running, 0), isPersistent: true, hasManagedSave: false);
        return world;
    }
}
