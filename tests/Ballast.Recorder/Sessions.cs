namespace Ballast.Recorder;

/// <summary>What the clients do while they are recorded.</summary>
internal static class Sessions
{
    /// <summary>In front of every script: a connection, and a thread that takes the events.</summary>
    public const string Prelude =
        """
        import libvirt, sys, threading, time
        libvirt.registerErrorHandler(lambda *ignored: None, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in iter(int, 1)], daemon=True).start()
        connection = libvirt.open(sys.argv[1])
        guest = connection.lookupByName("linux")
        bare = connection.lookupByName("bare")
        got = []
        def all_of(*calls):
            for call in calls:
                try:
                    call()
                except libvirt.libvirtError:
                    pass
        def wait(count):
            end = time.time() + 20
            while len(got) < count and time.time() < end:
                time.sleep(0.05)

        """;

    public static IReadOnlyList<string> Virsh { get; } =
    [
        "list --all --title", "dominfo linux", "domstats --balloon --state linux", "domstats", "dommemstat linux", "dommemstat defined",
        "dommemstat bare", "dommemstat nobody", "dommemstat linux --period 2", "dommemstat linux --period 2 --config", "domstate linux --reason",
        "domid 99999", "domuuid linux", "setmem bare 0", "setmem bare 1G", "setmem bare 32M", "setmaxmem bare 32M", "-r setmem bare 32M",
        "nodeinfo", "nodememstats", "nodecpustats", "nodecpumap", "freecell", "freecell --all", "hostname", "version", "capabilities",
        "dumpxml bare", "domcontrol bare", "domjobinfo bare", "memtune bare", "schedinfo bare", "vcpuinfo bare", "maxvcpus", "sysinfo",
        "metadata bare http://example.org/none", "pool-list --all",
    ];

    public static IReadOnlyList<(string Name, string Script)> Python { get; } =
    [
        ("python: what a connection knows",
            """
            all_of(connection.getType, connection.getVersion, connection.getLibVersion, connection.getHostname, connection.getInfo,
                   connection.getFreeMemory, connection.isSecure, connection.isAlive, connection.getSecurityModel,
                   connection.listDomainsID, connection.numOfDomains, connection.listDefinedDomains, connection.numOfDefinedDomains,
                   connection.listAllDomains, connection.listAllStoragePools, lambda: connection.getMaxVcpus(None),
                   lambda: connection.getMaxVcpus("kvm"), lambda: connection.getSysinfo(), lambda: connection.getSysinfo(1),
                   lambda: connection.getCellsFreeMemory(0, 4), lambda: connection.getCellsFreeMemory(9, 1), connection.getCPUMap,
                   lambda: connection.getMemoryStats(-1), lambda: connection.getMemoryStats(0), lambda: connection.getMemoryStats(-2),
                   lambda: connection.getCPUStats(-1), lambda: connection.getCPUStats(0), lambda: connection.getCPUStats(99),
                   lambda: connection.getAllDomainStats(0, 1 << 30), lambda: connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_BALLOON),
                   lambda: connection.domainListGetStats([guest, bare], libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_VCPU))
            """),
        ("python: what a domain knows",
            """
            for domain in (guest, bare):
                all_of(domain.info, domain.state, domain.isActive, domain.isPersistent, domain.isUpdated, domain.OSType, domain.maxMemory,
                       domain.autostart, domain.hasManagedSaveImage, domain.jobInfo, domain.controlInfo, domain.messages, domain.XMLDesc,
                       domain.schedulerType, domain.memoryParameters, domain.maxVcpus, domain.vcpusFlags, domain.vcpus, domain.vcpuPinInfo, domain.securityLabel,
                       domain.memoryStats, lambda: domain.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None),
                       lambda: domain.state(1), lambda: domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
            all_of(lambda: connection.lookupByID(guest.ID()), lambda: connection.lookupByID(4711),
                   lambda: connection.lookupByUUIDString(guest.UUIDString()), lambda: connection.lookupByUUIDString("9" * 32))
            """),
        ("python: what else a domain and its host know",
            """
            import ctypes
            library, parameters, count = ctypes.CDLL("libvirt.so.0"), ctypes.create_string_buffer(96 * 16), ctypes.c_int(1)
            handle = ctypes.c_void_p(bare.c_pointer())
            all_of(bare.jobStats, lambda: bare.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED), bare.numaParameters, bare.schedulerParameters,
                   lambda: library.virDomainGetSchedulerParameters(handle, parameters, ctypes.byref(count)),
                   lambda: library.virDomainGetSchedulerParametersFlags(handle, parameters, ctypes.byref(count), 1),
                   lambda: bare.getCPUStats(True), lambda: bare.getCPUStats(False), lambda: bare.blockStats(""), lambda: bare.blockStats("vda"),
                   lambda: bare.blockStatsFlags(""), lambda: bare.blockStatsFlags("vda"),
                   lambda: bare.blockInfo("vda"), lambda: bare.interfaceStats("vnet0"),
                   lambda: connection.getCPUModelNames("i686"),
                   lambda: connection.getCPUModelNames("nonsense"), lambda: connection.getFreePages([4], 0, 1), lambda: connection.getFreePages([3], 0, 1),
                   lambda: connection.getFreePages([4], 9, 1), bare.pMWakeup, lambda: bare.pMWakeup(1), lambda: guest.startDirtyRateCalc(1, 0),
                   lambda: guest.startDirtyRateCalc(0, 0), lambda: guest.startDirtyRateCalc(1, 64), lambda: guest.reboot(1 << 20), guest.reboot,
                   lambda: guest.messages(libvirt.VIR_DOMAIN_MESSAGE_TAINTING), lambda: guest.messages(libvirt.VIR_DOMAIN_MESSAGE_DEPRECATION))
            time.sleep(2)
            all_of(lambda: connection.getAllDomainStats(0), lambda: guest.jobStats())
            """),
        ("python: events and keepalive",
            """
            connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *happened: got.append(happened), None)
            connection.domainEventRegisterAny(bare, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, lambda *happened: got.append(happened), None)
            balloon = connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, lambda *happened: got.append(happened), None)
            bare.suspend(); bare.resume(); bare.reset()
            guest.setMemory(100 * 1024)
            wait(4)
            time.sleep(6)
            connection.setKeepAlive(1, 5)
            time.sleep(2.5)
            connection.domainEventDeregisterAny(balloon)
            """),
        ("python: what changes something",
            """
            all_of(lambda: guest.setMemoryStatsPeriod(3), lambda: guest.setMemoryStatsPeriod(-1), lambda: guest.setMemory(120 * 1024),
                   lambda: guest.setMemoryFlags(128 * 1024, libvirt.VIR_DOMAIN_AFFECT_LIVE), lambda: bare.setMaxMemory(32 * 1024),
                   bare.suspend, bare.resume, bare.reset, lambda: bare.reset(1), bare.shutdown, lambda: bare.shutdownFlags(libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN),
                   bare.destroy, bare.info, bare.memoryStats, bare.destroy)
            """),
        ("python: the other way to end a domain", "all_of(lambda: bare.destroyFlags(libvirt.VIR_DOMAIN_DESTROY_GRACEFUL), connection.close)"),
    ];

    public static IReadOnlyList<(string Name, string Script)> OldPython { get; } =
    [
        ("python: events as of old",
            """
            lifecycle = lambda *happened: got.append(happened)
            connection.domainEventRegister(lifecycle, None)
            reboot = connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, lambda *happened: got.append(happened), None)
            connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, lambda *happened: got.append(happened), None)
            bare.suspend(); bare.resume(); bare.reset()
            guest.setMemory(110 * 1024)
            wait(4)
            all_of(lambda: connection.domainEventDeregisterAny(reboot), lambda: connection.domainEventDeregister(lifecycle))
            """),
    ];

    /// <summary>At the end, as they leave other domains behind than they found.</summary>
    public static IReadOnlyList<(string Name, string Script)> Definitions { get; } =
    [
        ("python: definitions",
            """
            defined = connection.lookupByName("defined")
            xml = defined.XMLDesc()
            title, element, config = libvirt.VIR_DOMAIN_METADATA_TITLE, libvirt.VIR_DOMAIN_METADATA_ELEMENT, libvirt.VIR_DOMAIN_AFFECT_CONFIG
            all_of(lambda: connection.defineXML(xml), lambda: connection.defineXML("no XML"), lambda: connection.defineXMLFlags(xml, 1),
                   lambda: defined.setAutostart(1), lambda: defined.setAutostart(0),
                   lambda: defined.setMetadata(title, "A title", None, None, config), lambda: defined.setMetadata(title, None, None, None, config),
                   lambda: defined.setMetadata(element, "<role>db</role>", "x", "urn:x", config), lambda: defined.metadata(element, "urn:x", config),
                   lambda: defined.setVcpus(1), lambda: defined.setVcpusFlags(1, config), lambda: defined.setVcpusFlags(99, config),
                   lambda: defined.rename("renamed"), lambda: defined.rename("defined"), lambda: defined.rename("linux"),
                   defined.create, defined.create, lambda: defined.reboot(), lambda: defined.managedSave(), lambda: defined.managedSaveRemove(),
                   lambda: defined.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED), defined.destroy, defined.undefine, defined.undefine,
                   lambda: connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED), lambda: connection.createXML(xml), defined.destroy,
                   lambda: connection.defineXML(xml), lambda: defined.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE))
            """),
    ];
}
