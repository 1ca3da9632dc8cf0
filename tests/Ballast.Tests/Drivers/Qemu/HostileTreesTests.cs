using System.Text;
using System.Xml.Linq;
using Ballast.Drivers.Qemu;
using Ballast.Guests;
using Ballast.Tests.Fakes;

namespace Ballast.Tests.Drivers.Qemu;

/// <summary>Answers that are read as trees, with text in them that is not Unicode: trouble of the guest that sends them alone.</summary>
public sealed class HostileTreesTests
{
    private const DomainStatsGroups AllGroups =
        DomainStatsGroups.State | DomainStatsGroups.CpuTotal | DomainStatsGroups.Balloon | DomainStatsGroups.Vcpu | DomainStatsGroups.Interface
        | DomainStatsGroups.Block | DomainStatsGroups.Iothread | DomainStatsGroups.DirtyRate;

    // As FakeCommand.Key has them: also properties of devices, and the path of a list.
    private static readonly string[] Questions =
    [
        "query-target", "query-kvm", "type", "query-block", "query-chardev", "query-memory-devices", "query-blockstats", "query-iothreads",
        "query-dirty-rate", "query-stats", "query-named-block-nodes", "query-cpu-definitions", "query-cpus-fast", "query-hotpluggable-cpus",
        "mac", "netdev", "block-size", "deflate-on-oom", "free-page-reporting", FakeGuest.Peripheral, FakeGuest.Anonymous,
    ];

    private static readonly string[] Members =
    [
        "arch", "enabled", "device", "qdev", "label", "filename", "type", "data", "id", "status", "mode", "name", "stats", "file", "drv", "image", "inserted",
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Cases
    {
        get
        {
            TheoryData<string, string> cases = [];
            foreach (string question in Questions)
            {
                // The last is one byte, which is no UTF-8.
                foreach (string text in (string[])[@"\ud800", @"\udc00\ud800", "\u00ff"])
                    cases.Add(question, text);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Text_that_is_not_Unicode_is_trouble_of_its_guest_alone(string question, string text)
    {
        using PrivateDirectory directory = new();
        await using FakeQmp well = Start("well"), sick = Start("sick");
        await using Connection connection = await Connection.OpenAsync($"qmp://{directory.Path}", cancellationToken: Token);
        Domain[] domains = [.. (await connection.ListDomainsAsync(cancellationToken: Token).In()).OrderBy(domain => domain.Name, StringComparer.Ordinal)];
        string before = await StatsOfAsync("well");

        foreach (string json in Spoiled(text))
        {
            sick.On(question, async command =>
            {
                await sick.SendRawAsync(Encoding.Latin1.GetBytes($"{{\"return\": {json}{(command.Id is { } id ? $", \"id\": {id}" : "")}}}\r\n"));
                return FakeQmp.Nothing;
            });

            Assert.Equal(before, await StatsOfAsync("well"));
            Assert.Equal(2, (await connection.GetAllMemoryStatsAsync(cancellationToken: Token).In()).Count);
            QemuDriver driver = (QemuDriver)connection.Driver;
            Assert.Equal(2, (await driver.GetProcessMemoryAsync([.. domains.Select(domain => domain.Identity)], Token).In()).Count);
            _ = await driver.GetCpuModelNamesAsync("x86_64", Token).In();
            Domain of = domains.Single(domain => domain.Name == "sick");
            await TypedAsync(async () => _ = XElement.Parse(await of.GetXmlAsync(cancellationToken: Token)));
            await TypedAsync(async () => _ = await driver.GetBlockStatsAsync(of.Identity, "", Token));
            await TypedAsync(async () => _ = await driver.GetBlockInfoAsync(of.Identity, "vda", Token));
        }

        Assert.True(sick.CountOf(question) > 0, "it was never asked");

        async Task<string> StatsOfAsync(string name)
        {
            IReadOnlyList<DomainStatsRecord> records = await connection.GetAllDomainStatsAsync(AllGroups, cancellationToken: Token).In();
            Assert.Equal(["sick", "well"], records.Select(record => record.Domain.Name).Order(StringComparer.Ordinal));
            return string.Join(' ', records.Single(record => record.Domain.Name == name).Parameters);
        }

        FakeQmp Start(string name)
        {
            FakeQmp fake = FakeQmp.Start(path: directory.File(name));
            fake.Guest.Name = name;
            fake.Guest.Uuid = Guid.NewGuid().ToString();
            fake.Guest.VirtioMem.Add((1 << 30, 1 << 30));
            fake.Guest.Blocks = """[{"device": "", "qdev": "/machine/peripheral/virtio-disk0", "inserted": {"file": "/vm/a", "drv": "raw"}}]""";
            fake.Guest.BlockStats = """[{"device": "", "qdev": "/machine/peripheral/virtio-disk0", "stats": {"rd_operations": 1}}]""";
            return fake
                .On("mac", FakeQmp.Return("\"52:54:00:00:00:01\""))
                .On("query-target", FakeQmp.Return("""{"arch": "x86_64"}"""));
        }
    }

    [Fact]
    public async Task A_guest_that_brings_out_a_fault_is_answered_for_without_it()
    {
        string[] guests = ["a", "b", "a", "c"];
        List<string> asked = [];

        string[] answers = await GuestByGuest.AskAsync(
            guests,
            async guest =>
            {
                asked.Add(guest);
                await Task.Yield();
                return guest == "a" ? throw new InvalidOperationException("fault") : guest;
            },
            (guest, failure) => Task.FromResult($"{guest} {failure.Message}"));

        Assert.Equal(["a fault", "b", "a fault", "c"], answers);
        Assert.Equal(["a", "b", "c"], asked);
        await Assert.ThrowsAsync<LibvirtException>(() => GuestByGuest.AskAsync<string, string>(
            guests, guest => throw new LibvirtException(ErrorCode.NoDomain, ErrorOrigin.Qemu, guest), (_, _) => Task.FromResult("")));
    }

    // A value, a name, in an object, in a list, and deeper.
    private static IEnumerable<string> Spoiled(string text)
    {
        string said = string.Join(", ", Members.Select(member => $"\"{member}\": \"{text}\""));
        return [$"\"{text}\"", $"{{{said}}}", $"[{{{said}}}]", $"[{{\"{text}\": 0}}]", $"{{\"{text}\": 0}}", $"[{{\"inserted\": {{{said}}}, \"data\": {{{said}}}, \"type\": \"virtio-mem\"}}]"];
    }

    private static async Task TypedAsync(Func<Task> call)
    {
        try
        {
            await call().In();
        }
        catch (LibvirtException)
        {
            // Whoever asks about that guest alone may be told.
        }
    }
}
