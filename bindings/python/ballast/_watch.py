"""Samples taken again and again."""

from __future__ import annotations

from ctypes import byref, c_void_p

from ._error import failure, raise_raised
from ._library import library
from ._memory import read_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

    from ._connect import virConnect
    from ._domain import virDomain
    from ._memory import MemorySample

_LONGEST_MS = 0xFFFFFFFF


class Watch:
    """Samples of a domain or of a connection's domains, for ``for`` and for ``async for``, which does not block its event
    loop. It ends when it is closed, which a ``with`` around it does, or when nobody has it any more.

    Samples do not pile up: of each domain at most one waits to be taken.
    """

    _o: int | None = None

    def __init__(self, conn: virConnect, domain: virDomain | None, period: float, extended: bool) -> None:
        milliseconds = round(period * 1000)
        if not 1 <= milliseconds <= _LONGEST_MS:
            raise ValueError(f"a period of {period} s is not between 0.001 s and {_LONGEST_MS // 1000} s")
        self._conn = conn
        self._domain = domain
        handle = library.ballastConnectWatchMemoryStats(
            conn._o, None if domain is None else domain._o, milliseconds, 1 if extended else 0
        )
        if not handle:
            raise failure("ballastConnectWatchMemoryStats")
        self._o = handle
        self._waiting: tuple[AbstractEventLoop, int, Future[None]] | None = None

    def close(self) -> None:
        """Ends it; whoever waits for its next sample gets no more."""
        handle, self._o = self._o, None
        if handle is None:
            return
        if self._waiting is not None:
            loop, descriptor, future = self._waiting
            loop.remove_reader(descriptor)
            if not future.done():
                future.set_result(None)
        library.ballastWatchFree(handle)

    def __del__(self) -> None:
        # At the interpreter's end the module may be gone before its objects.
        if self._o is not None and library is not None and not library.forked:
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
        """The next sample, waiting at most `timeout` seconds, 0 for not at all and None for ever; None where there was
        none in time. Raises `libvirtError` when there will be none any more."""
        if self._o is None:
            raise ValueError("the watch is closed")
        record = c_void_p()
        milliseconds = -1 if timeout is None else min(max(0, round(timeout * 1000)), 0x7FFFFFFF)
        result: int = library.ballastWatchNext(self._o, byref(record), milliseconds)
        if result < 0:
            raise failure("ballastWatchNext")
        sample = None
        if result and record.value:
            try:
                sample = read_record(self._conn, record.value, self._domain)
            finally:
                library.ballastMemoryRecordFree(record)
        raise_raised()
        return sample

    def __iter__(self) -> Watch:
        return self

    def __next__(self) -> MemorySample:
        while self._o is not None:
            sample = self.next()
            if sample is not None:
                return sample
        raise StopIteration

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> MemorySample:
        while self._o is not None:
            sample = self.next(0)
            if sample is not None:
                return sample
            await self._readable()
        raise StopAsyncIteration

    async def _readable(self) -> None:
        from asyncio import get_running_loop

        loop = get_running_loop()
        descriptor: int = library.ballastWatchGetFd(self._o)
        if descriptor < 0:
            raise failure("ballastWatchGetFd")
        if self._waiting is not None:
            raise RuntimeError("somebody else waits for this watch's next sample")
        future: Future[None] = loop.create_future()
        loop.add_reader(descriptor, _wake, future)
        self._waiting = loop, descriptor, future
        try:
            await future
        finally:
            self._waiting = None
            if self._o is not None:
                loop.remove_reader(descriptor)


def _wake(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)
