using System.Globalization;
using System.Xml.Linq;
using System.Xml.XPath;
using Ballast.Tests.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Guests that make their XML expensive.</summary>
public sealed class HostileMachineTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Cards_that_are_not_told_of_in_time_are_left_out()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        WithCards(fake, 300, TimeSpan.FromMilliseconds(100));
        DateTimeOffset before = _time.GetUtcNow();

        XElement xml = await XmlAsync(session);

        Assert.InRange(xml.XPathSelectElements("devices/interface").Count(), 1, 30);
        Assert.InRange(_time.GetUtcNow() - before, TimeSpan.Zero, TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task Of_more_cards_than_a_machine_has_the_first_are_asked_about()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        WithCards(fake, 300, TimeSpan.Zero);

        XElement xml = await XmlAsync(session);

        Assert.Equal(
            Enumerable.Range(0, 256).Select(i => $"net{i}"), xml.XPathSelectElements("devices/interface/alias").Select(alias => (string?)alias.Attribute("name")));
        Assert.Equal(256, fake.CountOf("mac"));
    }

    [Fact]
    public async Task A_machine_whose_every_answer_takes_its_time_has_a_whole_XML()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        foreach (string question in (string[])["query-target", "query-kvm", "type", "query-block", "query-chardev"])
        {
            fake.On(question, _ =>
            {
                _time.Advance(TimeSpan.FromSeconds(1.9));
                return FakeQmp.Return("[]");
            });
        }

        WithCards(fake, 3, TimeSpan.FromMilliseconds(100));
        XElement xml = await XmlAsync(session);

        // And the card in the other list.
        Assert.Equal(3 + 1, xml.XPathSelectElements("devices/interface").Count());
    }

    [Fact]
    public async Task More_disks_and_devices_than_any_machine_has_are_not_believed()
    {
        await using FakeQmp fake = FakeQmp.Start();
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        const int many = 20_000;
        fake.On("query-block", FakeQmp.Return(List("""{"device": "a"}""", many)));
        fake.On(FakeGuest.Peripheral, FakeQmp.Return(List("""{"name": "a1", "type": "child<e1000>"}""", many)));
        XElement xml = await XmlAsync(session);
        Assert.Empty(xml.XPathSelectElements("devices/disk | devices/interface"));

        // Of the card in the other list, which is as short as lists are.
        Assert.Equal(1, fake.CountOf("mac"));
    }

    [Fact]
    public async Task Block_sizes_of_virtio_mem_are_asked_for_once_each()
    {
        await using FakeQmp fake = FakeQmp.Start();
        for (int i = 0; i < 20; i++)
            fake.Guest.VirtioMem.Add((1 << 30, 1 << 30));
        await using FakeSession session = await FakeSession.AtAsync(fake, _time, Timeout);
        fake.On("block-size", command => FakeQmp.Return((2097152 + command.Index).ToString(CultureInfo.InvariantCulture)));
        _ = await session.StatsAsync();

        XElement xml = await XmlAsync(session);

        Assert.Equal(20, fake.CountOf("block-size"));
        Assert.Equal(20, xml.XPathSelectElements("devices/memory").Count());
    }

    private void WithCards(FakeQmp fake, int count, TimeSpan each)
    {
        string cards = string.Join(", ", Enumerable.Range(0, count).Select(i => $$"""{"name": "net{{i}}", "type": "child<virtio-net-pci>"}"""));
        fake.On(FakeGuest.Peripheral, FakeQmp.Return($"[{cards}]"));
        fake.On("mac", _ =>
        {
            _time.Advance(each);
            return FakeQmp.Return("\"52:54:00:00:00:01\"");
        });
    }

    private static string List(string element, int count) => $"[{string.Join(", ", Enumerable.Repeat(element, count))}]";

    private static async Task<XElement> XmlAsync(FakeSession session) =>
        XElement.Parse(await session.Domain.GetXmlAsync(cancellationToken: TestContext.Current.CancellationToken).In());
}
