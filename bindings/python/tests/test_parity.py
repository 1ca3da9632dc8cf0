"""One file for both: ``import libvirt`` on a real libvirtd, and ``import ballast as libvirt`` on that libvirtd, on our
daemon and on our driver. What the first gives is what the others have to give."""

from __future__ import annotations

import re
import time
from typing import Any, Callable, Dict, List, Tuple

import pytest
from conftest import Subject
from machines import GUEST_KIB, GUEST_NAME, GUEST_UUID, Ballastd, Qemu, wait_until
from programs import as_of_9

Scenario = Callable[[Any, Any, Any, Any], Any]
ABSENT_UUID = "99999999-9999-4999-9999-999999999999"


def outcome(libvirt: Any, call: Callable[[], Any]) -> Any:
    """What a call gives, or the whole error that it raises."""
    try:
        result = call()
    except libvirt.libvirtError as error:
        accessors = (
            error.get_error_code(),
            error.get_error_domain(),
            error.get_error_message(),
            error.get_error_level(),
            error.get_str1(),
            error.get_str2(),
            error.get_str3(),
            error.get_int1(),
            error.get_int2(),
        )
        assert error.err is None or error.err == accessors
        last = libvirt.virGetLastError()
        assert error.err is None or last == error.err
        return "libvirtError", str(error), accessors
    except (TypeError, ValueError, OverflowError) as error:
        return type(error).__name__
    return result


def lookups(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    found = [
        conn.lookupByName(GUEST_NAME),
        conn.lookupByUUID(dom.UUID()),
        conn.lookupByUUIDString(dom.UUIDString().upper()),
        conn.lookupByID(dom.ID()),
    ]
    return [one.UUIDString() for one in found], [
        outcome(libvirt, call)
        for call in (
            lambda: conn.lookupByName("nobody"),
            lambda: conn.lookupByName(None),
            lambda: conn.lookupByName(""),
            lambda: conn.lookupByName(5),
            lambda: conn.lookupByName(b"guest"),
            lambda: conn.lookupByName("gu\0est"),
            lambda: conn.lookupByUUIDString(ABSENT_UUID),
            lambda: conn.lookupByUUIDString("zz"),
            lambda: conn.lookupByUUID(bytes([0x99] * 16)),
            lambda: conn.lookupByID(2147483647),
            lambda: conn.lookupByID(-1),
            lambda: conn.lookupByID(1 << 40),
            lambda: conn.lookupByID("1"),
        )
    ]


def identity(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    assert dom.connect() is conn and dom.ID() > 0
    return dom.name(), dom.UUID(), dom.UUIDString(), dom.OSType(), dom.isActive(), dom.isPersistent(), dom.isUpdated()


def state(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    results = [dom.suspend(), dom.state(), dom.info()[0], dom.resume(), dom.state(), dom.info()[0]]
    return results, type(dom.state()), [outcome(libvirt, lambda: dom.state(1)), outcome(libvirt, lambda: dom.destroyFlags(1 << 20))]


def info(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    values = dom.info()
    assert values[4] > 0
    return values[:4], type(values), [type(value) for value in values], dom.maxMemory()


def memory_statistics(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    statistics = dom.memoryStats()
    assert abs(statistics["last_update"] - time.time()) < 60
    # What Linux keeps for itself is unused and not usable.
    assert all(0 < statistics[name] < statistics["available"] <= GUEST_KIB for name in ("unused", "usable"))
    assert statistics["rss"] > 10000
    return list(statistics), {type(value) for value in statistics.values()}, statistics["actual"], statistics["swap_in"]


def period(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    results: List[Any] = []
    for value in (3, 1):
        results += [dom.setMemoryStatsPeriod(value), re.findall("<stats period='[0-9]+'", dom.XMLDesc())]
    results.append(dom.setMemoryStatsPeriod(True, flags=libvirt.VIR_DOMAIN_AFFECT_LIVE))
    return results + [
        outcome(libvirt, call)
        for call in (
            lambda: dom.setMemoryStatsPeriod(-1),
            lambda: dom.setMemoryStatsPeriod(1, 4),
            lambda: dom.setMemoryStatsPeriod(1, libvirt.VIR_DOMAIN_AFFECT_CONFIG),
            lambda: dom.setMemoryStatsPeriod(1 << 40),
            lambda: dom.setMemoryStatsPeriod(1.5),
            lambda: dom.setMemoryStatsPeriod("1"),
        )
    ]


def balloon(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    target = GUEST_KIB - 32 * 1024
    results = [dom.setMemory(target)]
    wait_until(lambda: dom.memoryStats()["actual"] == dom.info()[2] == target, "the balloon's inflation")
    results.append(dom.setMemoryFlags(GUEST_KIB, libvirt.VIR_DOMAIN_AFFECT_LIVE))
    wait_until(lambda: dom.memoryStats()["actual"] == dom.info()[2] == GUEST_KIB, "the balloon's deflation")
    return results + [
        outcome(libvirt, call)
        for call in (
            lambda: dom.setMemory(0),
            lambda: dom.setMemory(-1),
            lambda: dom.setMemory(GUEST_KIB + 1),
            lambda: dom.setMemory(1 << 62),
            lambda: dom.setMemory(1 << 70),
            lambda: dom.setMemory(1.0),
            lambda: dom.setMemoryFlags(1024, 1 << 20),
            lambda: dom.setMemoryFlags(1024, libvirt.VIR_DOMAIN_AFFECT_CONFIG),
            lambda: dom.setMaxMemory(GUEST_KIB),
        )
    ]


def read_only(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    domain = readonly.lookupByName(GUEST_NAME)
    return list(domain.memoryStats()), [
        outcome(libvirt, call)
        for call in (
            lambda: domain.setMemory(1024),
            lambda: domain.setMemoryFlags(1024),
            lambda: domain.setMaxMemory(1024),
            lambda: domain.setMemoryStatsPeriod(1),
            domain.suspend,
            domain.resume,
            domain.shutdown,
            domain.shutdownFlags,
            domain.reset,
            domain.destroy,
            domain.destroyFlags,
        )
    ]


def bulk(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    groups = libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_BALLOON
    every, some = conn.getAllDomainStats(groups), conn.domainListGetStats([dom, dom], groups)
    records = [(domain.name(), list(fields), fields["balloon.maximum"], fields["state.state"]) for domain, fields in every + some]
    assert all(domain.connect() is conn for domain, _ in every + some)
    return records, {type(value) for value in every[0][1].values()}, [
        outcome(libvirt, call)
        for call in (
            lambda: conn.getAllDomainStats(groups, 1 << 20),
            lambda: conn.getAllDomainStats(1 << 20, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS),
            lambda: len(conn.getAllDomainStats(groups, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE)),
            lambda: conn.domainListGetStats([]),
            lambda: conn.domainListGetStats(None),
        )
    ]


def listing(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    assert conn.listDomainsID() == [dom.ID()]
    flags = (0, libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE, libvirt.VIR_CONNECT_LIST_DOMAINS_INACTIVE,
             libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT, libvirt.VIR_CONNECT_LIST_DOMAINS_RUNNING)  # fmt: skip
    return (
        conn.numOfDomains(),
        conn.numOfDefinedDomains(),
        conn.listDefinedDomains(),
        [[domain.name() for domain in conn.listAllDomains(mask)] for mask in flags],
        outcome(libvirt, lambda: conn.listAllDomains(1 << 20)),
    )


def node(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    model, mib, *numbers = conn.getInfo()
    with open("/proc/meminfo", encoding="utf-8") as meminfo:
        total = int(meminfo.readline().split()[1])
    memory, cpu = conn.getMemoryStats(-1), conn.getCPUStats(-1)
    # libvirt leaves out memory that was plugged in after the host's boot.
    assert 0 < mib <= total // 1024 and 0 < memory["free"] < memory["total"] <= total
    assert 0 < conn.getFreeMemory() <= total * 1024
    assert 0 < conn.getCellsFreeMemory(0, 1)[0] <= total * 1024
    assert all(value > 0 for value in (cpu["user"], cpu["idle"]))
    return (
        (model, mib, numbers[0], numbers[2:]),
        list(memory),
        list(cpu),
        list(conn.getCPUStats(0)),
        conn.getCPUMap(),
        len(conn.getCellsFreeMemory(0, 8)),
        [
            outcome(libvirt, call)
            for call in (
                lambda: conn.getMemoryStats(1000),
                lambda: conn.getCPUStats(1000),
            )
        ],
    )


def facts(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    cpus, maps = dom.vcpus()
    assert all(cpu[2] > 0 and cpu[3] >= 0 for cpu in cpus)
    assert all(count > 0 for sizes in conn.getFreePages([4], 0, 1).values() for count in sizes.values())
    live = libvirt.VIR_DOMAIN_VCPU_LIVE | libvirt.VIR_DOMAIN_VCPU_MAXIMUM
    return (
        [cpu[:2] for cpu in cpus], maps, dom.vcpuPinInfo(), dom.maxVcpus(), dom.vcpusFlags(), dom.vcpusFlags(live),
        dom.numaParameters(), dom.jobInfo(), dom.jobStats(), dom.controlInfo(), dom.blockStats(""), dom.blockStatsFlags(""),
        conn.listAllStoragePools(), list(conn.getFreePages([4], 0, 1)), conn.getCPUModelNames("aarch64"), conn.getMaxVcpus(None),
    ), [
        outcome(libvirt, call)
        for call in (
            lambda: dom.vcpusFlags(3),
            lambda: dom.vcpusFlags(64),
            lambda: dom.vcpuPinInfo(libvirt.VIR_DOMAIN_AFFECT_CONFIG),
            lambda: dom.metadata(libvirt.VIR_DOMAIN_METADATA_TITLE, None),
            lambda: dom.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, "urn:x"),
            lambda: dom.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, None),
            lambda: dom.metadata(77, None),
            lambda: dom.blockStats("nothing"),
            lambda: dom.blockStatsFlags("nothing"),
            lambda: dom.getCPUStats(False),
            lambda: dom.jobStats(64),
            lambda: dom.controlInfo(1),
            dom.pMWakeup,
            lambda: dom.pMWakeup(1),
            lambda: dom.startDirtyRateCalc(61),
            lambda: dom.startDirtyRateCalc(1, 64),
            lambda: dom.reboot(1 << 20),
            lambda: dom.messages(4),
            lambda: conn.getFreePages([3], 0, 1),
            lambda: conn.getFreePages([4], 9, 1),
            lambda: conn.getCPUModelNames("nonsense"),
            readonly.lookupByName(GUEST_NAME).pMWakeup,
            readonly.lookupByName(GUEST_NAME).reboot,
            lambda: readonly.lookupByName(GUEST_NAME).startDirtyRateCalc(1),
        )
    ]  # fmt: skip


def connection(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    return (
        conn.getType(),
        conn.getVersion(),
        conn.getLibVersion(),
        conn.getHostname(),
        conn.isAlive(),
        conn.isEncrypted(),
        conn.isSecure(),
        libvirt.getVersion(),
        libvirt.virInitialize(),
    )


def closed(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    with conn as same:
        assert same is conn
    del dom
    return conn.c_pointer(), [outcome(libvirt, call) for call in (conn.getInfo, conn.close, conn.listAllDomains, conn.isAlive)]


def last_error(libvirt: Any, conn: Any, dom: Any, readonly: Any) -> Any:
    outcome(libvirt, lambda: conn.lookupByName("nobody"))
    before = (
        libvirt.virGetLastError(),
        libvirt.virGetLastErrorCode(),
        libvirt.virGetLastErrorDomain(),
        libvirt.virGetLastErrorMessage(),
        conn.virConnGetLastError(),
    )
    libvirt.virResetLastError()
    conn.virConnResetLastError()
    bare = libvirt.libvirtError("nothing recorded")
    return before, libvirt.virGetLastError(), libvirt.virGetLastErrorCode(), libvirt.virGetLastErrorMessage(), bare.err, str(bare)


SCENARIOS: Dict[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        lookups,
        identity,
        state,
        info,
        memory_statistics,
        period,
        balloon,
        read_only,
        bulk,
        listing,
        node,
        facts,
        connection,
        closed,
        last_error,
    )
}

_expected: Dict[str, Any] = {}


def run(subject: Subject, scenario: str) -> Any:
    """What a scenario gives."""
    libvirt = subject.module
    conn, readonly = libvirt.open(subject.uri), libvirt.openReadOnly(subject.read_only_uri)
    try:
        return SCENARIOS[scenario](libvirt, conn, conn.lookupByName(GUEST_NAME), readonly)
    finally:
        readonly.close()
        if conn.c_pointer():
            conn.close()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_gives_what_libvirt_gives(ours: Subject, oracle: Subject, scenario: str) -> None:
    if scenario not in _expected:
        _expected[scenario] = as_of_9(run(oracle, scenario), oracle.module.getVersion())
    assert as_of_9(run(ours, scenario), oracle.module.getVersion()) == _expected[scenario]


@pytest.mark.parametrize("uri", ["qemu+unix:///system?socket=/nowhere/sock", 5, "qemu\0:///"])
def test_says_why_it_does_not_open(libvirt: Any, ballast: Any, uri: Any) -> None:
    for function in ("open", "openReadOnly"):
        expected = as_of_9(outcome(libvirt, lambda: getattr(libvirt, function)(uri)), libvirt.getVersion())
        assert expected[0] == "libvirtError" or expected in ("TypeError", "ValueError")
        assert outcome(ballast, lambda: getattr(ballast, function)(uri)) == expected


def test_tells_errors_to_the_handler(subject: Subject, conn: Any) -> None:
    libvirt = subject.module
    told: List[Tuple[Any, Any]] = []
    try:
        assert libvirt.registerErrorHandler(lambda context, error: told.append((context, error)), "context") == 1
        with pytest.raises(libvirt.libvirtError) as raised:
            conn.lookupByName("nobody")
    finally:
        libvirt.registerErrorHandler(lambda context, error: None, None)
    assert told == [("context", raised.value.err)]


def test_brings_events(subject: Subject, conn: Any, dom: Any) -> None:
    libvirt = subject.module
    seen: List[Any] = []
    everybody = conn.domainEventRegisterAny(
        None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *arguments: seen.append(arguments), "all"
    )
    balloons = conn.domainEventRegisterAny(
        dom, libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, lambda *arguments: seen.append(arguments), "one"
    )
    assert conn.domainEventRegister(lambda *arguments: seen.append(arguments), "old") is None
    dom.suspend()
    dom.resume()
    wait_until(lambda: len(seen) >= 4, "the events")
    assert all(arguments[0] is conn and arguments[1].name() == GUEST_NAME for arguments in seen)
    for kind in ("all", "old"):
        happened = [arguments[2:] for arguments in seen if arguments[-1] == kind]
        assert happened == [
            (libvirt.VIR_DOMAIN_EVENT_SUSPENDED, libvirt.VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, kind),
            (libvirt.VIR_DOMAIN_EVENT_RESUMED, libvirt.VIR_DOMAIN_EVENT_RESUMED_UNPAUSED, kind),
        ]
    seen.clear()
    target = GUEST_KIB - 16 * 1024
    dom.setMemory(target)
    wait_until(lambda: any(arguments[2:] == (target, "one") for arguments in seen), "the balloon's events")
    dom.setMemory(GUEST_KIB)
    wait_until(lambda: any(arguments[2:] == (GUEST_KIB, "one") for arguments in seen), "the balloon's events")
    assert conn.domainEventDeregisterAny(balloons) is None
    conn.domainEventDeregisterAny(everybody)
    seen.clear()
    dom.suspend()
    dom.resume()
    wait_until(lambda: len(seen) >= 2, "the old registration's events")
    assert {arguments[-1] for arguments in seen} == {"old"}
    assert outcome(libvirt, lambda: conn.domainEventDeregisterAny(balloons))[0] == "libvirtError"


def test_prints_what_callbacks_raise(subject: Subject, conn: Any, dom: Any, capfd: pytest.CaptureFixture[str]) -> None:
    libvirt = subject.module
    after: List[Any] = []

    def fail(*_arguments: Any) -> None:
        raise ValueError("raised in a callback")

    first = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, fail, None)
    second = conn.domainEventRegisterAny(dom, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *seen: after.append(seen), None)
    dom.suspend()
    dom.resume()
    wait_until(lambda: len(after) >= 2, "the other callback's events")
    conn.domainEventDeregisterAny(first)
    conn.domainEventDeregisterAny(second)
    assert capfd.readouterr().err.count("ValueError: raised in a callback") == 2


def test_tells_that_a_connection_is_lost(libvirt: Any, ballast: Any) -> None:
    machine = Qemu(name="lone", uuid="11111111-2222-4333-8444-777777777777")
    lost: Dict[str, Any] = {}
    try:
        for module in (libvirt, ballast):
            daemon = Ballastd(machine.monitors[1])
            seen: List[Any] = []
            conn = module.open(daemon.uri)
            domain = conn.lookupByName("lone")
            assert conn.registerCloseCallback(lambda *arguments: seen.append(arguments), "opaque") == 0  # noqa: B023
            daemon.close()
            wait_until(lambda: seen, "the close callback")  # noqa: B023
            assert seen[0][0] is conn and conn.isAlive() == 0
            lost[module.__name__] = seen[0][1:], outcome(module, domain.memoryStats)[2][:2]
    finally:
        machine.close()
    assert lost["ballast"][0] == lost["libvirt"][0] == (ballast.VIR_CONNECT_CLOSE_REASON_EOF, "opaque")
    # libvirt says "internal error"; ours says what the system said.
    assert (lost["libvirt"][1], lost["ballast"][1]) == ((1, 7), (38, 7))


def test_a_domain_that_is_gone_is_an_error_and_an_event(subject: Subject, request: pytest.FixtureRequest) -> None:
    libvirt = subject.module
    name, uuid = "victim", "11111111-2222-4333-8444-888888888888"
    processes: List[Any] = []
    if subject.own:
        processes.append(Qemu(name=name, uuid=uuid))
        uri = processes[0].uri
        if subject.name.endswith("ballastd"):
            processes.append(Ballastd(processes[0].monitors[0]))
            uri = processes[1].uri
    else:
        uri = subject.uri
        request.getfixturevalue("libvirtd").create_guest(linux=False, name=name, uuid=uuid)
    try:
        conn = libvirt.open(uri)
        domain = conn.lookupByName(name)
        seen: List[Any] = []
        number = conn.domainEventRegisterAny(
            domain, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *arguments: seen.append(arguments[2:]), None
        )
        assert domain.destroy() == 0
        wait_until(lambda: len(seen) >= 2, "the events of its end")
        # QEMU tells our driver of a shutdown that the host asked for, not that it was a destruction.
        detail = libvirt.VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN if subject.own else libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED
        assert seen == [
            (libvirt.VIR_DOMAIN_EVENT_SHUTDOWN, libvirt.VIR_DOMAIN_EVENT_SHUTDOWN_HOST, None),
            (libvirt.VIR_DOMAIN_EVENT_STOPPED, detail, None),
        ]
        error = as_of_9(outcome(libvirt, domain.memoryStats), libvirt.getVersion())
        assert error[1:] == (
            f"Domain not found: no domain with matching uuid '{uuid}' ({name})",
            (42, 10, error[1], 2, "Domain not found: %s", error[1].partition(": ")[2], None, -1, -1),
        )
        conn.domainEventDeregisterAny(number)
        conn.close()
    finally:
        for process in reversed(processes):
            process.close()


def test_needs_no_stale_error_to_refuse_arguments(ours: Subject) -> None:
    libvirt = ours.module
    conn = libvirt.open(ours.uri)
    for call in (lambda: conn.lookupByUUID(bytes(15)), lambda: conn.getCellsFreeMemory(0, 0), lambda: conn.getCellsFreeMemory(-1, 1)):
        with pytest.raises(libvirt.libvirtError) as raised:
            call()
        assert raised.value.err is None and raised.value.get_error_code() is None
    with pytest.raises(TypeError):
        conn.domainListGetStats([5])
    for kind in (libvirt.virConnect, libvirt.virDomain):
        with pytest.raises(TypeError):
            kind(5)


def test_is_the_domain_that_the_tests_think(dom: Any) -> None:
    assert dom.UUIDString() == GUEST_UUID
