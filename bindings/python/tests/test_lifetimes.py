"""How long the package's objects live, and who may share them."""

from __future__ import annotations

import copy
import math
import pickle
import threading
import time
from typing import Any, Iterator

import pytest
from conftest import Subject
from machines import GUEST_NAME, Qemu, wait_until


def test_objects_and_calls_may_be_shared_by_threads(subject: Subject) -> None:
    libvirt = subject.module
    conn = libvirt.open(subject.uri)
    results: "list[Any]" = []

    def work() -> None:
        domain = conn.lookupByName(GUEST_NAME)
        for _ in range(20):
            results.append((domain.memoryStats()["actual"], domain.name(), conn.getAllDomainStats(1)[0][1]["state.state"]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    conn.close()
    assert len(results) == 160 and len(set(results)) == 1


def test_errors_belong_to_their_thread(ballast: Any) -> None:
    failed: "list[Any]" = []
    conn = ballast.open("test:///default")

    def fail() -> None:
        try:
            conn.lookupByName("nobody")
        except ballast.libvirtError:
            failed.append(ballast.virGetLastErrorCode())

    ballast.virResetLastError()
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert failed == [ballast.VIR_ERR_NO_DOMAIN] and ballast.virGetLastError() is None


def test_a_domain_keeps_its_connection(subject: Subject) -> None:
    domain = subject.module.open(subject.uri).lookupByName(GUEST_NAME)
    assert domain.name() == GUEST_NAME and domain.connect().isAlive() == 1


def test_a_domain_outlives_its_connections_close(subject: Subject) -> None:
    conn = subject.module.open(subject.uri)
    domain = conn.lookupByName(GUEST_NAME)
    assert conn.close() == 1
    assert domain.memoryStats()["actual"] > 0


@pytest.fixture
def own_qemu() -> Iterator[Qemu]:
    """One that no other test's connection shares."""
    machine = Qemu()
    try:
        yield machine
    finally:
        machine.close()


def test_a_with_lets_the_monitor_go_while_domains_live(ballast: Any, own_qemu: Qemu) -> None:
    import socket

    def is_free() -> bool:
        # A monitor greets the one client that it serves.
        with socket.socket(socket.AF_UNIX) as other:
            other.settimeout(0.5)
            try:
                other.connect(own_qemu.monitors[0])
                return b"QMP" in other.recv(4096)
            except (socket.timeout, BlockingIOError):
                return False  # It waits in the socket's queue, or there is no room left in that.

    with ballast.open(own_qemu.uri) as conn:
        domain = conn.lookupByName(GUEST_NAME)
        watch = domain.watch(3600)
        assert domain.memory.actual and next(watch).actual and not is_free()
        waiting: Any = []

        def wait() -> None:
            try:
                watch.next()
            except ballast.libvirtError as error:
                waiting.append(error.get_error_code())

        thread = threading.Thread(target=wait)
        thread.start()
    thread.join(60)
    assert waiting == [ballast.VIR_ERR_INVALID_CONN]
    wait_until(is_free, "the monitor's being let go")
    for call in (domain.memoryStats, lambda: domain.memory, domain.info, domain.suspend, lambda: domain.watch(1), lambda: list(conn)):
        with pytest.raises(ballast.libvirtError) as refused:
            call()
        assert refused.value.get_error_code() == ballast.VIR_ERR_INVALID_CONN, refused.value
    assert domain.name() == GUEST_NAME and conn.c_pointer() == 0
    with pytest.raises(ballast.libvirtError):
        next(watch)


def test_a_with_frees_what_is_registered(ballast: Any) -> None:
    import gc
    import weakref

    class Opaque:
        pass

    opaque = Opaque()
    freed = weakref.ref(opaque)
    with ballast.open("test:///default") as conn:
        conn.domainEventRegisterAny(None, ballast.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *unused: None, opaque)
        del opaque
    gc.collect()
    wait_until(lambda: freed() is None, "the callback's data being freed")


def test_handles_are_freed(ballast: Any) -> None:
    conn = ballast.open("test:///default")
    for _ in range(1000):
        conn.lookupByName("test")
        conn.getAllDomainStats()
        assert [domain.memoryStats()["actual"] for domain in conn]
    assert conn.close() == 0  # Nobody else has it.


def test_callbacks_live_as_long_as_they_are_registered(subject: Subject) -> None:
    import gc
    import weakref

    libvirt = subject.module

    class Opaque:
        pass

    def register(conn: Any) -> Any:
        opaque = Opaque()
        number = conn.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda *unused: None, opaque)
        return number, weakref.ref(opaque)

    conn = libvirt.open(subject.uri)
    number, opaque = register(conn)
    gc.collect()
    assert opaque() is not None
    conn.domainEventDeregisterAny(number)
    end = time.monotonic() + 20
    while opaque() is not None and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert opaque() is None
    conn.close()


def test_what_frees_an_object_of_the_library_is_not_copied(ballast: Any) -> None:
    conn = ballast.open("test:///default")
    domain = conn.lookupByName("test")
    with conn.watch(100) as watch:
        for handle in (conn, domain, watch):
            for copying in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match="neither copied nor pickled"):
                    copying(handle)
        assert watch.next(math.inf) is not None
    assert (domain.name(), conn.isAlive()) == ("test", 1)


def test_numbers_with_a_name_are_one_object_each() -> None:
    import dataclasses

    import ballast

    with ballast.openReadOnly("test:///fleet?domains=2&seed=1") as conn:
        host = conn.host_memory()
    assert host.reason is ballast.Reason.FRESH
    assert dataclasses.asdict(host)["reason"] is ballast.Reason.FRESH
    assert pickle.loads(pickle.dumps(host)).reason is ballast.Reason.FRESH
    for member in (ballast.Reason.PAUSED, ballast.Freshness.FRESH, ballast.Reason(99)):
        assert type(member)(int(member)) is member
        assert copy.copy(member) is member and copy.deepcopy(member) is member
        assert all(pickle.loads(pickle.dumps(member, protocol)) is member for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1))
    assert repr(ballast.Reason(3)) == "Reason.NEVER_REPORTED" and repr(ballast.Reason(99)) == "Reason.UNKNOWN_99"
