"""Watches whose daemon goes and comes back."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, Callable, Iterator

import pytest
from machines import GUEST_NAME, Ballastd, Qemu, wait_until


class Restarted:
    """A daemon that can be ended and started again at the same socket."""

    def __init__(self, monitor: str) -> None:
        self._monitor = monitor
        self.daemon = Ballastd(monitor)
        self._path = self.daemon.socket

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={self._path}"

    def end(self) -> None:
        self.daemon.process.kill()
        self.daemon.process.wait()

    def start(self) -> None:
        old, self.daemon = self.daemon, Ballastd(self._monitor, socket=self._path)
        self._old = old

    def close(self) -> None:
        self.daemon.close()
        if hasattr(self, "_old"):
            self._old.close()


@pytest.fixture
def restarted() -> Iterator[Restarted]:
    """Our daemon, on a QEMU that stands still."""
    machine = Qemu()
    daemon = None
    try:
        daemon = Restarted(machine.monitors[0])
        yield daemon
    finally:
        if daemon is not None:
            daemon.close()
        machine.close()


def _all(conn: Any, **options: Any) -> Any:
    return conn.watch(0.1, **options)


def _one(conn: Any, **options: Any) -> Any:
    return conn.lookupByName(GUEST_NAME).watch(0.1, **options)


@pytest.mark.parametrize("begin", [_all, _one])
def test_a_watch_goes_on_with_a_daemon_that_came_back(ballast: Any, restarted: Restarted, begin: Callable[..., Any]) -> None:
    conn = ballast.open(restarted.uri)
    with begin(conn) as watch:
        first = next(watch)
        assert first.domain.name() == GUEST_NAME and first.gap is None
        restarted.end()
        started = time.monotonic()
        wait_until(lambda: watch.next(0.05) is None and "lost" in repr(watch), "the connection's loss")
        assert watch.next(0) is None
        restarted.start()
        sample = next(watch)
        assert 0 < sample.gap <= time.monotonic() - started + 5
        assert sample.domain.name() == GUEST_NAME and sample.domain.connect() is not conn
        assert sample.domain.connect().isAlive() == 1 and sample.domain.state()
        assert next(watch).gap is None
    assert repr(watch).endswith("closed>")


@pytest.mark.parametrize("begin", [_all, _one])
def test_so_does_one_in_an_event_loop(ballast: Any, restarted: Restarted, begin: Callable[..., Any]) -> None:
    async def watch() -> "list[float]":
        gaps = []
        async with await ballast.open_async(restarted.uri) as conn:
            async with begin(conn) as samples:
                async for sample in samples:
                    gaps.append(sample.gap)
                    if len(gaps) == 1:
                        restarted.end()
                        # By this thread: a process of the tests ends with the thread that started it.
                        asyncio.get_running_loop().call_later(0.5, restarted.start)
                    if len(gaps) > 1 and any(gaps[1:]):
                        return gaps
        return gaps

    gaps = asyncio.run(asyncio.wait_for(watch(), 60))
    assert gaps[0] is None and gaps[-1] > 0 and not any(gaps[:-1])


def test_the_time_for_it_is_the_programs(ballast: Any, restarted: Restarted) -> None:
    conn = ballast.open(restarted.uri)
    given_up, at_once, closed = conn.watch(0.1, reconnect=0.3), conn.watch(0.1, reconnect=0), conn.watch(0.1)
    for watch in (given_up, at_once, closed):
        next(watch)
    restarted.end()
    for watch in (given_up, at_once):
        with pytest.raises(ballast.libvirtError):
            while True:
                next(watch)
    assert repr(given_up).endswith("closed>")
    with pytest.raises(ValueError):
        given_up.next(0)

    # Closing one that waits for its daemon ends the wait.
    wait_until(lambda: closed.next(0) is None and "lost" in repr(closed), "the connection's loss")
    thread = threading.Thread(target=lambda: list(closed))
    thread.start()
    closed.close()
    thread.join(60)
    assert not thread.is_alive()

    for wrong in (-1, float("nan")):
        with pytest.raises(ValueError):
            conn.watch(1, reconnect=wrong)


def test_a_connection_that_was_closed_here_is_not_opened_again(ballast: Any, restarted: Restarted) -> None:
    with ballast.open(restarted.uri) as conn:
        watch = conn.watch(0.1)
        next(watch)
    with pytest.raises(ballast.libvirtError) as ended:
        while True:
            next(watch)
    assert ended.value.get_error_code() == ballast.VIR_ERR_INVALID_CONN


@pytest.mark.parametrize("begin", [_all, _one])
@pytest.mark.parametrize("through", ["qmp", "ballastd"])
def test_a_domain_that_comes_back_is_watched_on(ballast: Any, begin: Callable[..., Any], through: str) -> None:
    """One rule for one domain and for all: it goes, and there is silence; it comes back, and is told of."""
    machine = Qemu()
    daemon = Ballastd(machine.monitors[0]) if through == "ballastd" else None
    again = None
    try:
        with ballast.open(machine.uri if daemon is None else daemon.uri) as conn:
            watch = begin(conn)
            first = next(watch)
            machine.process.kill()
            machine.process.wait()
            # What was under way, and what was known when it went; then nothing more.
            wait_until(lambda: watch.next(0.5) is None, "the silence of a domain that went")
            again = Qemu(directory=machine.directory)
            sample = next(watch)
            while sample.domain.ID() != again.pid:
                sample = next(watch)
            assert sample.domain.UUIDString() == first.domain.UUIDString() and first.domain.ID() == machine.pid
            assert sample.domain.isActive() == 1 and sample.gap is None
    finally:
        for process in (again, daemon, machine):
            if process is not None:
                process.close()
