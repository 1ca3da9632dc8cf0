"""Repeated samples."""

from __future__ import annotations

from ctypes import byref, c_void_p
from time import monotonic

from ._error import failure, libvirtError, raise_raised
from ._library import Handle, library
from ._memory import read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from typing import Callable

    from ._connect import virConnect
    from ._domain import virDomain
    from ._memory import MemorySample
    from ._reopening import Reopening

_LONGEST_MS = 0xFFFFFFFF


class Watch(Handle):
    """Samples of a domain or of a connection's domains, for ``for`` and for ``async for`` (which does not block the event
    loop). A watch ends when it is closed, at the end of a ``with`` block, or when it is garbage-collected.

    Samples do not pile up: at most one per domain waits to be read. A lost connection to a daemon is reopened; see
    `virConnect.watch`.
    """

    _o: int | None = None
    _is_closed = True
    _reopening: Reopening | None = None
    _waiting: tuple[AbstractEventLoop, int, Future[None]] | None = None
    _is_after_gap = False

    def __init__(
        self, conn: virConnect, domain: virDomain | None, period: float, extended: bool, reconnect: float = 60.0
    ) -> None:
        milliseconds = round(period * 1000)
        if not 1 <= milliseconds <= _LONGEST_MS:
            raise ValueError(f"a period of {period} s is not between 0.001 s and {_LONGEST_MS // 1000} s")
        if not reconnect >= 0:
            raise ValueError(f"a connection cannot be opened again for {reconnect} s")
        self._period = period
        self._flags = milliseconds, 1 if extended else 0
        self._reconnect = reconnect
        self._conn = conn
        self._domain = domain
        self._o = begin(conn, domain, *self._flags)
        # What the connection was opened by may mean another one when the daemon is away.
        self._uri = conn._name or conn.getURI()
        self._last = monotonic()
        self._is_closed = False

    def __repr__(self) -> str:
        whose = self._conn if self._domain is None else self._domain
        state = ", closed" if self._is_closed else "" if self._reopening is None else ", the connection is lost"
        return f"<ballast.Watch of {whose!r} every {self._period} s{state}>"

    def close(self) -> None:
        """Ends the watch. All iterations over it stop, including those of other threads and event loops."""
        self._is_closed = True
        if self._reopening is not None:
            self._reopening.give_up()
        handle, self._o = self._o, None
        waiting = self._waiting

        def end() -> None:
            if waiting is not None:
                loop, descriptor, future = waiting
                if descriptor >= 0:
                    loop.remove_reader(descriptor)
                _wake(future)
            if handle is not None:
                library.ballastWatchFree(handle)

        if waiting is None or not _later_in_loop(waiting[0], end):
            end()

    def __del__(self) -> None:
        # At the interpreter's end the module may be gone before its objects.
        if not self._is_closed and library is not None and not library.forked:
            self.close()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.close()

    def next(self, timeout: float | None = None) -> MemorySample | None:
        """The next sample, or None if there is none within `timeout` seconds (0: do not wait, None: no limit). Raises
        `libvirtError` when the watch has failed."""
        if self._is_closed:
            raise ValueError("the watch is closed")
        end = None if timeout is None else monotonic() + timeout
        while not self._is_closed:
            left = None if end is None else max(0.0, end - monotonic())
            reopening = self._reopening
            if reopening is None:
                sample = self._take(left)
                if sample is not None:
                    return sample
                if self._reopening is None:
                    return None
            elif not reopening.wait(left) or self._is_closed:
                return None
            else:
                self._go_on(reopening)
        return None

    def _take(self, timeout: float | None) -> MemorySample | None:
        record = c_void_p()
        milliseconds = -1 if timeout is None else round(min(timeout * 1000, 0x7FFFFFFF))
        result: int = library.ballastWatchNext(self._o, byref(record), milliseconds)
        if result < 0:
            error = failure("ballastWatchNext")
            if self._is_closed and isinstance(error, libvirtError):
                return None  # By another thread, or another round of an event loop.
            if not self._is_lost(error):
                raise error
            self._reopen(error)
            return None
        sample = None
        if result and record.value:
            try:
                sample = read_record(self._conn, record.value, self._domain)
            finally:
                library.ballastMemoryRecordFree(record)
            now = monotonic()
            if self._is_after_gap:
                self._is_after_gap = False
                sample.gap = now - self._last
            self._last = now
        raise_raised()
        return sample

    def _is_lost(self, error: BaseException) -> bool:
        """Whether the daemon is gone, and the program did not close the connection itself."""
        conn = self._conn._o
        return (
            isinstance(error, libvirtError) and self._reconnect > 0 and conn is not None and library.virConnectIsAlive(conn) == 0
        )

    def _reopen(self, error: BaseException) -> None:
        from ._reopening import Reopening

        handle, self._o = self._o, None
        library.ballastWatchFree(handle)
        conn, domain, uri, flags = self._conn, self._domain, self._uri, self._flags
        again, uuid = conn._again, None if domain is None else domain.UUID()

        def attempt() -> tuple[virConnect, virDomain | None, int]:
            opened: virConnect = again(uri)
            found = None if uuid is None else opened.lookupByUUID(uuid)
            return opened, found, begin(opened, found, *flags)

        self._reopening = Reopening(attempt, _abandon, error, self._reconnect)

    def _go_on(self, reopening: Reopening) -> None:
        """Continues with the new connection, or raises the error that ended the old one."""
        self._reopening = None
        if reopening.result is None:
            if self._is_closed:
                return  # Meanwhile, by another thread.
            self.close()
            raise reopening.error
        self._conn, self._domain, self._o = reopening.result
        self._is_after_gap = True
        if self._is_closed:
            handle, self._o = self._o, None
            library.ballastWatchFree(handle)

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> MemorySample:
        while not self._is_closed:
            sample = self.next()
            if sample is not None:
                return sample
        raise StopIteration

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> MemorySample:
        while not self._is_closed:
            sample = self.next(0)
            if sample is not None:
                return sample
            await self._ready()
        raise StopAsyncIteration

    async def _ready(self) -> None:
        from asyncio import get_running_loop

        if self._waiting is not None:
            raise RuntimeError("another caller already waits for the next sample of this watch")
        loop = get_running_loop()
        future: Future[None] = loop.create_future()
        descriptor = -1
        if self._reopening is not None:
            self._reopening.when_done(_waker(loop, future))
        else:
            descriptor = library.ballastWatchGetFd(self._o)
            if descriptor < 0:
                raise failure("ballastWatchGetFd")
            loop.add_reader(descriptor, _wake, future)
        self._waiting = loop, descriptor, future
        try:
            await future
        finally:
            self._waiting = None
            if descriptor >= 0 and self._o is not None:
                loop.remove_reader(descriptor)


def begin(conn: virConnect, domain: virDomain | None, milliseconds: int, flags: int) -> int:
    """Starts a watch in the library and returns its handle."""
    handle: int | None = library.ballastConnectWatchMemoryStats(
        conn._o, None if domain is None else domain._o, milliseconds, flags
    )
    if not handle:
        raise failure("ballastConnectWatchMemoryStats")
    return handle


def _abandon(result: tuple[virConnect, virDomain | None, int]) -> None:
    library.ballastWatchFree(result[2])


def _wake(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _later_in_loop(loop: AbstractEventLoop, function: Callable[[], None]) -> bool:
    """Schedules the function in a loop that runs in another thread. Returns False if the loop does not."""
    from asyncio.events import _get_running_loop

    if not loop.is_running() or _get_running_loop() is loop:
        return False
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        return False  # It was closed.
    return True


def _waker(loop: AbstractEventLoop, future: Future[None]) -> Callable[[], None]:
    def wake() -> None:
        try:
            loop.call_soon_threadsafe(_wake, future)
        except RuntimeError:
            pass  # The loop was closed: nobody waits any more.

    return wake
