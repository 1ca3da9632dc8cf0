"""Reopens a lost connection in a thread of its own, so that callers can stop waiting at any time."""

from __future__ import annotations

from threading import Event, Lock, Thread
from time import monotonic

from ._error import libvirtError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


class Reopening:
    """Attempts with growing pauses, until one succeeds, the time is up, or the attempts are cancelled."""

    result: Any = None
    """The result of the successful attempt."""

    def __init__(
        self, attempt: Callable[[], Any], abandon: Callable[[Any], None], error: BaseException, seconds: float
    ) -> None:
        self.error = error
        """The exception to raise if there is no result."""
        self._attempt = attempt
        self._abandon = abandon
        self._end = monotonic() + seconds
        self._gate = Lock()
        self._given_up = Event()
        self._done = Event()
        self._wakers: list[Callable[[], None]] = []
        Thread(target=self._run, name="ballast-reopening", daemon=True).start()

    def wait(self, timeout: float | None) -> bool:
        """Waits for the end; returns False if it takes longer."""
        return self._done.wait(timeout)

    def when_done(self, waker: Callable[[], None]) -> None:
        """Calls the function at the end."""
        with self._gate:
            if not self._done.is_set():
                self._wakers.append(waker)
                return
        waker()

    def give_up(self) -> None:
        """Cancels the attempts."""
        with self._gate:
            self._given_up.set()
            result, self.result = self.result, None
        if result is not None:
            self._abandon(result)
        self._finish()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._given_up.wait(max(0.0, min(pause, self._end - monotonic()))):
            try:
                result = self._attempt()
            except libvirtError:
                # Whatever it is, such as a domain that the daemon has not found yet: it may be over soon.
                if monotonic() >= self._end:
                    break
            except BaseException as error:
                self.error = error
                break
            else:
                with self._gate:
                    if not self._given_up.is_set():
                        self.result, result = result, None
                if result is not None:
                    self._abandon(result)
                break
            pause = min(2 * pause, _LONGEST_PAUSE)
        self._finish()

    def _finish(self) -> None:
        with self._gate:
            self._done.set()
            wakers, self._wakers = self._wakers, []
        for waker in wakers:
            waker()
