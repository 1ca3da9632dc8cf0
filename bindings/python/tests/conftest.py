"""What the tests run against: libvirt-python on a real libvirtd, and ballast on our driver, our daemon and that libvirtd."""

from __future__ import annotations

import importlib
import threading
from typing import Any, Iterator, List, NamedTuple

import pytest
from machines import GUEST_NAME, Ballastd, Libvirtd, Qemu


class Subject(NamedTuple):
    """A module and what it is connected to."""

    module: Any
    uri: str
    read_only_uri: str
    name: str

    @property
    def own(self) -> bool:
        """Whether the domains are our driver's, not libvirt's."""
        return not self.name.endswith("libvirtd")


def _module(name: str) -> Any:
    """The module, with its default event loop running in a thread, and no error printed."""
    module = importlib.import_module(name)
    if not hasattr(module, "tests_loop"):
        module.registerErrorHandler(lambda context, error: None, None)
        module.virEventRegisterDefaultImpl()
        timer = module.virEventAddTimeout(1000, lambda *unused: None, None)

        def loop() -> None:
            while True:
                module.virEventRunDefaultImpl()

        module.tests_loop = timer, threading.Thread(target=loop, daemon=True)
        module.tests_loop[1].start()
    return module


@pytest.fixture(scope="session")
def libvirt() -> Any:
    """libvirt-python."""
    return _module("libvirt")


@pytest.fixture(scope="session")
def ballast() -> Any:
    """Ours."""
    return _module("ballast")


@pytest.fixture(scope="session")
def _machines() -> Iterator[Any]:
    """One guest of libvirt's and one of nobody's, as equal as can be; they boot at the same time."""
    started: List[Any] = []
    try:
        libvirtd = Libvirtd()
        started.append(libvirtd)
        libvirtd.create_guest()
        qemu = Qemu(linux=True, monitors=2)
        started.append(qemu)
        ballastd = Ballastd(qemu.monitors[1])
        started.append(ballastd)
        qemu.wait_for_report()
        libvirtd.wait_for(lambda: "available" in libvirtd.virsh("dommemstat", GUEST_NAME), "a report of libvirt's guest")
        yield libvirtd, qemu, ballastd
    finally:
        for process in reversed(started):
            process.close()


@pytest.fixture(scope="session")
def libvirtd(_machines: Any) -> Libvirtd:
    """A real libvirtd, whose domain is the Linux guest."""
    daemon: Libvirtd = _machines[0]
    return daemon


@pytest.fixture(scope="session")
def qemu(_machines: Any) -> Qemu:
    """A QEMU with the Linux guest."""
    process: Qemu = _machines[1]
    return process


@pytest.fixture(scope="session")
def ballastd(_machines: Any) -> Ballastd:
    """Our daemon on that QEMU."""
    daemon: Ballastd = _machines[2]
    return daemon


SUBJECTS = ["libvirt-libvirtd", "ballast-libvirtd", "ballast-ballastd", "ballast-qmp"]


def _subject(name: str, request: pytest.FixtureRequest) -> Subject:
    module, _, peer = name.partition("-")
    if peer == "qmp":
        uri = request.getfixturevalue("qemu").uri
        return Subject(request.getfixturevalue(module), uri, uri, name)
    daemon = request.getfixturevalue(peer)
    return Subject(request.getfixturevalue(module), daemon.uri, daemon.read_only_uri, name)


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Subject:
    """Each of the four in turn."""
    return _subject(request.param, request)


@pytest.fixture(params=SUBJECTS[1:])
def ours(request: pytest.FixtureRequest) -> Subject:
    """Our three in turn."""
    return _subject(request.param, request)


@pytest.fixture
def oracle(request: pytest.FixtureRequest) -> Subject:
    """libvirt-python on the real libvirtd."""
    return _subject(SUBJECTS[0], request)


@pytest.fixture
def conn(subject: Subject) -> Iterator[Any]:
    """A connection of the subject's."""
    connection = subject.module.open(subject.uri)
    yield connection
    if connection.c_pointer():
        connection.close()


@pytest.fixture
def dom(conn: Any) -> Any:
    """The Linux guest."""
    return conn.lookupByName(GUEST_NAME)


# What is compared with libvirt 9.0 to the letter: newer ones have other texts, parameters and levels of processors.
ONLY_WITH_9 = ("test_life.py::", "-facts]", "test_gives_what_libvirt_python_gives[conversions]")


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """Leaves out what needs another libvirt than the one that is installed."""
    if importlib.import_module("libvirt").getVersion() >= 10_000_000:
        items[:] = [item for item in items if not any(part in item.nodeid for part in ONLY_WITH_9)]
