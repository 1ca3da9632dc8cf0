"""``test:///default``, each process has one of its own: libvirt-python's and ours have to print the same."""

from __future__ import annotations

import pytest
from programs import run_program

CALLS = """
    import sys
    libvirt = __import__(sys.argv[1])
    told = []
    libvirt.registerErrorHandler(lambda context, error: told.append((context, error)), 5)

    def show(label, call):
        try:
            print(label, repr(call()))
        except libvirt.libvirtError as error:
            print(label, error, error.err)
        except Exception as error:
            print(label, type(error).__name__)

    conn = libvirt.open("test:///default")
    dom = conn.lookupByName("test")
    for name in "getInfo getFreeMemory getHostname getType getVersion getLibVersion getURI isAlive isEncrypted isSecure " \\
            "listDomainsID numOfDomains listDefinedDomains numOfDefinedDomains getCPUMap getSecurityModel".split():
        show(name, getattr(conn, name))
    show("getMaxVcpus", lambda: conn.getMaxVcpus(None))
    show("getMemoryStats", lambda: conn.getMemoryStats(-1))
    show("getCPUStats", lambda: list(conn.getCPUStats(-1)))
    show("getCellsFreeMemory", lambda: conn.getCellsFreeMemory(0, 2))
    show("setKeepAlive", lambda: conn.setKeepAlive(5, 3))
    for name in "name UUID UUIDString ID OSType state maxMemory maxVcpus memoryStats isActive isPersistent isUpdated " \\
            "autostart hasManagedSaveImage controlInfo jobInfo messages securityLabel".split():
        show(name, getattr(dom, name))
    show("info", lambda: dom.info()[:4])
    show("XMLDesc", lambda: sorted(line.strip() for line in dom.XMLDesc().splitlines() if "emory" in line))
    show("getAllDomainStats", lambda: [(one.name(), fields) for one, fields in conn.getAllDomainStats()])
    show("domainListGetStats", lambda: [(one.name(), fields) for one, fields in conn.domainListGetStats([dom])])
    show("setMemory", lambda: dom.setMemory(1048576))
    show("memoryStats", dom.memoryStats)
    show("setMemory back", lambda: dom.setMemory(2097152))
    show("setMemory 0", lambda: dom.setMemory(0))
    show("setMemoryFlags", lambda: dom.setMemoryFlags(1000, flags=7))
    show("setMaxMemory", lambda: dom.setMaxMemory(5))
    show("setMemoryStatsPeriod", lambda: dom.setMemoryStatsPeriod(5))
    show("setMemoryStatsPeriod -1", lambda: dom.setMemoryStatsPeriod(-1))
    show("setAutostart", lambda: (dom.setAutostart(1), dom.autostart(), dom.setAutostart(0)))
    show("suspend", lambda: (dom.suspend(), dom.state(), dom.resume(), dom.state()))
    show("shutdown", lambda: (dom.shutdown(), dom.state(), dom.ID()))
    for name in "memoryStats info reset destroy suspend".split():
        show(name + " of a domain that is off", getattr(dom, name) if name != "info" else lambda: dom.info()[:4])
    show("listDefinedDomains", conn.listDefinedDomains)
    show("getInfo, types", lambda: [type(value).__name__ for value in conn.getInfo()])
    show("create", lambda: (dom.create(), dom.state(), dom.isActive()))
    show("getVersion", lambda: libvirt.getVersion())
    show("getVersion, test", lambda: libvirt.getVersion("test"))
    show("close", lambda: conn.close() >= 0)
    show("getInfo, closed", conn.getInfo)
    print(*told, sep="\\n")
"""

DEFAULT_HANDLER = """
    import sys
    libvirt = __import__(sys.argv[1])
    conn = libvirt.open("test:///default")
    for name in ("nobody", None):
        try:
            conn.lookupByName(name)
        except libvirt.libvirtError as error:
            pass
    libvirt.registerErrorHandler(lambda context, error: None, None)
    try:
        conn.lookupByName("nobody")
    except libvirt.libvirtError as error:
        pass
    print(libvirt.registerErrorHandler(None, None))
    try:
        conn.lookupByName("nobody")
    except libvirt.libvirtError as error:
        pass
"""

FAILING_HANDLER = """
    import ballast
    ballast.registerErrorHandler(lambda context, error: 1 / 0, None)
    conn = ballast.open("test:///default")
    try:
        conn.lookupByName("nobody")
    except ballast.libvirtError as error:
        print(error.get_error_code())
"""

OWN_LOOP = """
    import os, sys
    libvirt = __import__(sys.argv[1])

    class Loop:
        def __init__(self):
            self.number, self.handles, self.timers, self.removed = 0, {}, {}, []

        def add_handle(self, fd, events, cb, opaque):
            self.number += 1
            self.handles[self.number] = [fd, events, cb, opaque]
            return self.number

        def update_handle(self, number, events):
            self.handles[number][1] = events

        def remove_handle(self, number):
            self.removed.append(self.handles.pop(number)[3])

        def add_timeout(self, ms, cb, opaque):
            self.number += 1
            self.timers[self.number] = [ms, cb, opaque]
            return self.number

        def update_timeout(self, number, ms):
            self.timers[number][0] = ms

        def remove_timeout(self, number):
            self.removed.append(self.timers.pop(number)[2])

        def run_once(self):
            import select
            timed = any(ms >= 0 for ms, _, _ in self.timers.values())
            waiting = [entry[0] for entry in self.handles.values() if entry[1] & 1]
            ready = select.select(waiting, [], [], 0 if timed else 0.02)[0]
            for number, (fd, events, cb, opaque) in list(self.handles.items()):
                if fd in ready and number in self.handles:
                    cb(number, fd, libvirt.VIR_EVENT_HANDLE_READABLE, opaque)
            for number, (ms, cb, opaque) in list(self.timers.items()):
                if ms >= 0 and number in self.timers:
                    cb(number, opaque)
            while self.removed:
                libvirt.virEventInvokeFreeCallback(self.removed.pop())

        def run_until(self, condition):
            import time
            end = time.time() + 30
            while not condition() and time.time() < end:
                self.run_once()

    loop = Loop()
    print(libvirt.virEventRegisterImpl(loop.add_handle, loop.update_handle, loop.remove_handle,
                                       loop.add_timeout, loop.update_timeout, loop.remove_timeout))
    seen = []
    reader, writer = os.pipe()
    watch = libvirt.virEventAddHandle(reader, libvirt.VIR_EVENT_HANDLE_READABLE,
                                      lambda *arguments: seen.append((os.read(reader, 9), arguments[1:])), "handle")
    os.write(writer, b"x")
    loop.run_until(lambda: seen)
    print(reader, seen.pop(), libvirt.virEventUpdateHandle(watch, 0), libvirt.virEventRemoveHandle(watch), watch in loop.handles)
    timer = libvirt.virEventAddTimeout(0, lambda *arguments: seen.append(arguments[1:]), "timer")
    loop.run_until(lambda: seen)
    print(seen[0], libvirt.virEventUpdateTimeout(timer, -1), libvirt.virEventRemoveTimeout(timer), timer in loop.timers)

    seen = []
    conn = libvirt.open("test:///default")
    dom = conn.lookupByName("test")
    new = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                      lambda c, d, *rest: seen.append((c is conn, d.name(), *rest)), "new")
    one = lambda c, d, *rest: seen.append((c is conn, d.UUIDString(), *rest))
    another = lambda *arguments: seen.append("another")
    print(conn.domainEventRegister(one, "old"), conn.domainEventRegister(another, 0))
    dom.suspend()
    dom.resume()
    loop.run_until(lambda: len(seen) >= 6)
    print(sorted(seen, key=repr))
    del seen[:]
    print(conn.domainEventDeregister(one))
    try:
        conn.domainEventDeregister(one)
    except KeyError:
        print("was not registered")
    dom.suspend()
    loop.run_until(lambda: len(seen) >= 2)
    print(sorted(seen, key=repr))
    del seen[:]
    print(conn.domainEventDeregister(another), conn.domainEventDeregisterAny(new))
    dom.resume()
    for _ in range(10):
        loop.run_once()
    print(seen)
    try:
        conn.domainEventDeregisterAny(new)
    except libvirt.libvirtError as error:
        print(error.err)
"""


@pytest.mark.parametrize("source", [CALLS, DEFAULT_HANDLER, OWN_LOOP], ids=["calls", "errors on standard error", "own event loop"])
def test_prints_what_libvirt_prints(source: str) -> None:
    expected, actual = run_program(source, "libvirt"), run_program(source, "ballast")
    assert expected.status == 0, expected.errors
    assert actual.output.splitlines() == expected.output.splitlines()
    assert actual == expected


def test_prints_what_an_error_handler_raises() -> None:
    finished = run_program(FAILING_HANDLER)
    assert (finished.status, finished.output) == (0, "42\n")
    assert finished.errors.splitlines()[-1] == "ZeroDivisionError: division by zero"
