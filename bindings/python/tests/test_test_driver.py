"""``test:///default``, each process has one of its own: libvirt-python's and ours have to print the same."""

from __future__ import annotations

from typing import Any

import pytest
from programs import Finished, as_of_9, run_program

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
    for name in "getType getVersion getLibVersion getURI isAlive isEncrypted isSecure " \\
            "listDomainsID numOfDomains listDefinedDomains numOfDefinedDomains".split():
        show(name, getattr(conn, name))
    show("getMemoryStats", lambda: conn.getMemoryStats(-1))
    show("setKeepAlive", lambda: conn.setKeepAlive(5, 3))
    for name in "name UUID UUIDString ID OSType state maxMemory memoryStats isActive isPersistent isUpdated " \\
            "autostart hasManagedSaveImage jobInfo".split():
        show(name, getattr(dom, name))
    show("info", lambda: dom.info()[:4])
    show("getAllDomainStats", lambda: [(one.name(), fields) for one, fields in conn.getAllDomainStats()])
    show("domainListGetStats", lambda: [(one.name(), fields) for one, fields in conn.domainListGetStats([dom])])
    show("setMemory", lambda: dom.setMemory(1048576))
    show("memoryStats", dom.memoryStats)
    show("setMemory back", lambda: dom.setMemory(2097152))
    show("setMemory 0", lambda: dom.setMemory(0))
    show("setMemoryStatsPeriod", lambda: dom.setMemoryStatsPeriod(5))
    show("setMemoryStatsPeriod -1", lambda: dom.setMemoryStatsPeriod(-1))
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

@pytest.mark.parametrize("source", [CALLS, DEFAULT_HANDLER], ids=["calls", "errors on standard error"])
def test_prints_what_libvirt_prints(source: str, libvirt: Any) -> None:
    expected, actual = Finished(*as_of_9(list(run_program(source, "libvirt")), libvirt.getVersion())), run_program(source, "ballast")
    assert expected.status == 0, expected.errors
    assert actual.output.splitlines() == expected.output.splitlines()
    assert actual == expected


def test_prints_what_an_error_handler_raises() -> None:
    finished = run_program(FAILING_HANDLER)
    assert (finished.status, finished.output) == (0, "42\n")
    assert finished.errors.splitlines()[-1] == "ZeroDivisionError: division by zero"
