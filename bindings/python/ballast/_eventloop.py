"""The event loop that delivers events: the library's own or the program's."""

from __future__ import annotations

from ctypes import CFUNCTYPE, c_int, c_void_p, cast

from ._arguments import int32
from ._callbacks import forget, register, registered, report, take_back_at_end
from ._error import failure, raise_raised
from ._library import lasting, library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, SupportsIndex

    # A callback of the library: function, its argument, and what frees that; 0 for none.
    Opaque = tuple[int, int, int]

_HANDLE_CALLBACK = CFUNCTYPE(None, c_int, c_int, c_int, c_void_p)
_TIMEOUT_CALLBACK = CFUNCTYPE(None, c_int, c_void_p)
_FREE_CALLBACK = CFUNCTYPE(None, c_void_p)


def virEventRegisterDefaultImpl() -> int:
    """Uses the library's own event loop. Call this before you open a connection. The loop runs while
    `virEventRunDefaultImpl` is called."""
    result: int = library.virEventRegisterDefaultImpl()
    if result < 0:
        raise failure("virEventRegisterDefaultImpl")
    return result


def virEventRunDefaultImpl() -> int:
    """Waits for the next events and calls their callbacks. Call it in a loop."""
    result: int = library.virEventRunDefaultImpl()
    if result < 0:
        raise failure("virEventRunDefaultImpl")
    raise_raised()
    return result


# Callbacks of this program, on whatever loop there is. They are let go when they are removed: a loop frees what was removed
# in its next round, when the interpreter may have ended.

_handles: dict[int, int] = {}
_timers: dict[int, int] = {}


def _handle_ready(watch: int, fd: int, events: int, number: int) -> None:
    try:
        entry = registered(number)
        if entry is not None:
            cb, opaque = entry
            cb(watch, fd, events, opaque)
    except BaseException:
        report()


_handle_ready_c = lasting(_HANDLE_CALLBACK(_handle_ready))


def _timeout_over(timer: int, number: int) -> None:
    try:
        entry = registered(number)
        if entry is not None:
            cb, opaque = entry
            cb(timer, opaque)
    except BaseException:
        report()


_timeout_over_c = lasting(_TIMEOUT_CALLBACK(_timeout_over))


def virEventAddHandle(fd: int, events: int, cb: Callable[..., Any], opaque: Any) -> int:
    """Calls ``cb(watch, fd, events, opaque)`` when `fd` is ready for one of the `events`
    (``VIR_EVENT_HANDLE_…``). Returns the number of the watch."""
    number = register(cb, opaque)
    watch: int = library.virEventAddHandle(int32(fd), int32(events), _handle_ready_c, number, None)
    if watch < 0:
        forget(number)
        raise failure("virEventAddHandle")
    _handles[watch] = number
    take_back_at_end(number, library.virEventRemoveHandle, watch)
    return watch


def virEventUpdateHandle(watch: SupportsIndex, events: SupportsIndex) -> None:
    """Changes the events of a watch."""
    library.virEventUpdateHandle(int32(watch), int32(events))


def virEventRemoveHandle(watch: SupportsIndex) -> int:
    """Ends a watch."""
    result: int = library.virEventRemoveHandle(int32(watch))
    if result < 0:
        raise failure("virEventRemoveHandle")
    forget(_handles.pop(int32(watch), 0))
    return result


def virEventAddTimeout(timeout: int, cb: Callable[..., Any], opaque: Any) -> int:
    """Calls ``cb(timer, opaque)`` every `timeout` ms; 0: in each round of the loop, -1: never. Returns the number
    of the timer."""
    number = register(cb, opaque)
    timer: int = library.virEventAddTimeout(int32(timeout), _timeout_over_c, number, None)
    if timer < 0:
        forget(number)
        raise failure("virEventAddTimeout")
    _timers[timer] = number
    take_back_at_end(number, library.virEventRemoveTimeout, timer)
    return timer


def virEventUpdateTimeout(timer: SupportsIndex, timeout: SupportsIndex) -> None:
    """Changes the interval of a timer, in ms."""
    library.virEventUpdateTimeout(int32(timer), int32(timeout))


def virEventRemoveTimeout(timer: SupportsIndex) -> int:
    """Ends a timer."""
    result: int = library.virEventRemoveTimeout(int32(timer))
    if result < 0:
        raise failure("virEventRemoveTimeout")
    forget(_timers.pop(int32(timer), 0))
    return result


# A program's own loop. The library's callbacks come to it as (function, argument, free function), and it gives
# them back to the two functions here, which it got beside them.


def _eventInvokeHandleCallback(watch: int, fd: int, event: int, opaque: Opaque, _unused: object = None) -> None:
    _HANDLE_CALLBACK(opaque[0])(watch, fd, event, opaque[1])
    raise_raised()


def _eventInvokeTimeoutCallback(timer: int, opaque: Opaque, _unused: object = None) -> None:
    _TIMEOUT_CALLBACK(opaque[0])(timer, opaque[1])
    raise_raised()


def virEventInvokeFreeCallback(opaque: Opaque) -> None:
    """Frees the data of a removed handle or timer. A custom loop calls this from its next iteration, not from its remove
    function."""
    if opaque[2]:
        _FREE_CALLBACK(opaque[2])(opaque[1])


def virEventRegisterImpl(
    addHandle: Callable[..., Any],
    updateHandle: Callable[..., Any],
    removeHandle: Callable[..., Any],
    addTimeout: Callable[..., Any],
    updateTimeout: Callable[..., Any],
    removeTimeout: Callable[..., Any],
) -> None:
    """Uses the program's own event loop. Call this once, before you open a connection.

    ``addHandle(fd, events, cb, opaque)`` and ``addTimeout(ms, cb, opaque)`` return a number; the loop then calls
    ``cb(number, fd, events, opaque)`` or ``cb(number, opaque)``. ``updateHandle(number, events)``,
    ``updateTimeout(number, ms)``, ``removeHandle(number)`` and ``removeTimeout(number)`` change and remove it. After
    the last two, the loop calls `virEventInvokeFreeCallback` with the `opaque` that it got.
    """

    def add_handle(fd: int, events: int, cb: int, opaque: int, free: int) -> int:
        try:
            return int(addHandle(fd, events, _eventInvokeHandleCallback, (cb, opaque or 0, free or 0)))
        except BaseException:
            report()
            return -1

    def add_timeout(ms: int, cb: int, opaque: int, free: int) -> int:
        try:
            return int(addTimeout(ms, _eventInvokeTimeoutCallback, (cb, opaque or 0, free or 0)))
        except BaseException:
            report()
            return -1

    def update(function: Callable[..., Any]) -> Callable[[int, int], None]:
        def call(number: int, value: int) -> None:
            try:
                function(number, value)
            except BaseException:
                report()

        return call

    def remove(function: Callable[..., Any]) -> Callable[[int], int]:
        def call(number: int) -> int:
            try:
                function(number)
                return 0
            except BaseException:
                report()
                return -1

        return call

    implementation = (
        CFUNCTYPE(c_int, c_int, c_int, c_void_p, c_void_p, c_void_p)(add_handle),
        CFUNCTYPE(None, c_int, c_int)(update(updateHandle)),
        CFUNCTYPE(c_int, c_int)(remove(removeHandle)),
        CFUNCTYPE(c_int, c_int, c_void_p, c_void_p, c_void_p)(add_timeout),
        CFUNCTYPE(None, c_int, c_int)(update(updateTimeout)),
        CFUNCTYPE(c_int, c_int)(remove(removeTimeout)),
    )
    library.virEventRegisterImpl(*(cast(lasting(function), c_void_p) for function in implementation))
