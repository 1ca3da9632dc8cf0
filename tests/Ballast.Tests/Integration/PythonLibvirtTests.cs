using Ballast.Guests;

namespace Ballast.Tests.Integration;

/// <summary>Debian's python3-libvirt, unmodified, on ballastd.</summary>
[Trait("needs", "qemu")]
[Trait("needs", "libvirtd")]
public sealed class PythonLibvirtTests
{
    private const string Script =
        """
        import sys, threading, time, libvirt
        uri = sys.argv[1]
        libvirt.registerErrorHandler(lambda *ignored: None, None)
        libvirt.virEventRegisterDefaultImpl()
        connection = libvirt.open(uri)
        domain = connection.lookupByName("guest")
        print(connection.getType(), connection.getLibVersion(), connection.isAlive(), connection.isSecure())
        print(sorted(domain.memoryStats()), domain.info()[:4], domain.state(), domain.isActive(), domain.OSType(), domain.maxMemory())
        print(sorted(connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_BALLOON)[0][1]))
        print(connection.listDomainsID() == [domain.ID()], connection.numOfDomains(), connection.listDefinedDomains(), [d.name() for d in connection.listAllDomains()])
        print(domain.setMemoryStatsPeriod(7), "period='7'" in domain.XMLDesc(), list(connection.getMemoryStats(-1)), list(connection.getCPUStats(-1)))
        for call in (lambda: domain.setMemoryStatsPeriod(-1), lambda: libvirt.openReadOnly(uri).lookupByName("guest").setMemory(1000),
                     lambda: connection.lookupByName("nobody"), lambda: libvirt.open("qemu+unix:///nonsense?socket=" + uri.split("socket=")[1])):
            try:
                call()
            except libvirt.libvirtError as e:
                print(e.get_error_code(), e.get_error_domain(), e.get_error_message())
        got = []
        connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda c, d, event, detail, o: got.append((d.name(), event, detail)), None)
        connection.domainEventRegisterAny(domain, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, lambda c, d, o: got.append((d.name(), "reboot")), None)
        threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in range(1000)], daemon=True).start()
        domain.suspend(); domain.resume(); domain.reset()
        end = time.time() + 20
        while len(got) < 3 and time.time() < end:
            time.sleep(0.02)
        print(got)
        """;

    private const string Expected =
        """
        QEMU 9000000 1 1
        ['actual', 'last_update', 'rss'] [1, 32768, 32768, 1] [1, 1] 1 hvm 32768
        ['balloon.current', 'balloon.last-update', 'balloon.maximum', 'balloon.rss']
        True 1 [] ['guest']
        0 True ['total', 'free', 'buffers', 'cached'] ['kernel', 'user', 'idle', 'iowait']
        8 20 period in virDomainSetMemoryStatsPeriod must be zero or greater
        29 20 operation forbidden: read only access prevents virDomainSetMemory
        42 10 Domain not found: no domain with matching name 'nobody'
        5 0 no connection driver available for qemu:///nonsense
        [('guest', 3, 0), ('guest', 4, 0), ('guest', 'reboot')]

        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_reads_steers_and_listens()
    {
        await using DrivenGuest guest = await DrivenGuest.StartAsync(new DrivenGuestOptions { Name = "guest" }, Token);
        await using BallastDaemon daemon = await BallastDaemon.StartAsync(Token, "--qmp", guest.MonitorPath);
        CommandResult result = await ChildProcess.RunAsync("/usr/bin/python3", ["-c", Script, daemon.Uri], cancellationToken: Token);
        Assert.Equal(new CommandResult(0, Expected, ""), result);
    }
}
