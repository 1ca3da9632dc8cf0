"""Callbacks from the library: events, close, errors and credentials."""

from __future__ import annotations

import sys
from struct import Struct
from ctypes import CFUNCTYPE, c_char_p, c_int, c_longlong, c_uint, c_ulonglong, c_void_p, cast, memmove, string_at
from itertools import count

from ._error import failure, libvirtError, unpack_error
from ._library import at_end, get_ident, is_main_interpreter, lasting, library, raised_in_calls
from ._parameters import unpack_parameters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._connect import virConnect
    from ._domain import virDomain

# What callbacks need, by the number that the library keeps for us as the "opaque" pointer.
_registered: dict[int, tuple[Any, ...]] = {}
_numbers = count(1)


def register(*entry: Any) -> int:
    """Keeps an object that a callback needs until `free_entry` is called with the returned number."""
    number = next(_numbers)
    _registered[number] = entry
    return number


def registered(number: int) -> tuple[Any, ...] | None:
    """The object that was kept."""
    return _registered.get(number)


def forget(number: int) -> None:
    """Releases the object."""
    _registered.pop(number, None)
    _taken_back.pop(number, None)


_taken_back: dict[int, tuple[Callable[..., object], tuple[Any, ...]]] = {}
_is_to_be_taken_back = False


def take_back_at_end(number: int, function: Callable[..., object], *arguments: Any) -> None:
    """Unregisters a callback when its interpreter ends before the process, because the library outlives the interpreter.
    Does nothing in the main interpreter, which ends all callbacks at once: nothing may delay the end of the process."""
    global _is_to_be_taken_back
    if is_main_interpreter() or number not in _registered:
        return
    _taken_back[number] = function, arguments
    if not _is_to_be_taken_back:
        _is_to_be_taken_back = True
        at_end(_take_back)


def _take_back() -> None:
    for function, arguments in list(_taken_back.values()):
        function(*arguments)


free_entry = lasting(CFUNCTYPE(None, c_void_p)(forget))
"""Releases the object; called by the library."""


def report() -> None:
    """Call this while handling an exception that cannot pass through the library. It is printed like an uncaught one.
    An exception that should end the program is raised after the call."""
    kind, error, trace = sys.exc_info()
    if kind is None or error is None:
        return
    if isinstance(error, Exception):
        sys.excepthook(kind, error, trace)
    else:
        raised_in_calls.append((get_ident(), error))


def _string(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


# virDomainEventGraphicsAddress; virDomainEventGraphicsSubject and one identity in it.
_ADDRESS = Struct("i4xPP")
_SUBJECT = Struct("i4xP")
_IDENTITY = Struct("PP")


def _text_at(pointer: int | None) -> str | None:
    return _string(string_at(pointer)) if pointer else None


def _address(pointer: int | None) -> dict[str, Any] | None:
    if not pointer:
        return None
    family, node, service = _ADDRESS.unpack(string_at(pointer, _ADDRESS.size))
    return {"family": family, "node": _text_at(node), "service": _text_at(service)}


def _subject(pointer: int | None) -> list[tuple[str | None, str | None]]:
    length, identities = _SUBJECT.unpack(string_at(pointer, _SUBJECT.size)) if pointer else (0, 0)
    pairs = _IDENTITY.iter_unpack(string_at(identities, length * _IDENTITY.size)) if length > 0 else ()
    return [(_text_at(kind), _text_at(name)) for kind, name in pairs]


class _Read:
    """An argument that is made of one or more C values."""

    def __init__(self, make: Callable[..., Any], *c_types: Any) -> None:
        self.make = make
        self.c_types = c_types


_TEXT = _Read(_string, c_char_p)
_PARAMETERS = _Read(unpack_parameters, c_void_p, c_int)
_GRAPHICS_ADDRESS = _Read(_address, c_void_p)
_GRAPHICS_SUBJECT = _Read(_subject, c_void_p)

# By kind of event: the arguments between domain and opaque, numbers by their C types.
_EVENTS: dict[int, tuple[Any, ...]] = {
    0: (c_int, c_int),  # LIFECYCLE: event, detail
    1: (),  # REBOOT
    2: (c_longlong,),  # RTC_CHANGE: offset in seconds
    3: (c_int,),  # WATCHDOG: action
    4: (_TEXT, _TEXT, c_int),  # IO_ERROR: path, alias, action
    # GRAPHICS: phase, local and remote address, method of authentication, who that says it is
    5: (c_int, _GRAPHICS_ADDRESS, _GRAPHICS_ADDRESS, _TEXT, _GRAPHICS_SUBJECT),
    6: (_TEXT, _TEXT, c_int, _TEXT),  # IO_ERROR_REASON: path, alias, action, reason
    7: (),  # CONTROL_ERROR
    8: (_TEXT, c_int, c_int),  # BLOCK_JOB: disk, type, status
    9: (_TEXT, _TEXT, _TEXT, c_int),  # DISK_CHANGE: old path, new path, alias, reason
    10: (_TEXT, c_int),  # TRAY_CHANGE: alias, reason
    11: (c_int,),  # PMWAKEUP: reason
    12: (c_int,),  # PMSUSPEND: reason
    13: (c_ulonglong,),  # BALLOON_CHANGE: the balloon's size in KiB
    14: (c_int,),  # PMSUSPEND_DISK: reason
    15: (_TEXT,),  # DEVICE_REMOVED: alias
    16: (_TEXT, c_int, c_int),  # BLOCK_JOB_2: disk, type, status
    17: (_PARAMETERS,),  # TUNABLE
    18: (c_int, c_int),  # AGENT_LIFECYCLE: state, reason
    19: (_TEXT,),  # DEVICE_ADDED: alias
    20: (c_int,),  # MIGRATION_ITERATION: number
    21: (_PARAMETERS,),  # JOB_COMPLETED
    22: (_TEXT,),  # DEVICE_REMOVAL_FAILED: alias
    23: (c_int, _TEXT),  # METADATA_CHANGE: type, namespace
    24: (_TEXT, _TEXT, c_ulonglong, c_ulonglong),  # BLOCK_THRESHOLD: device, path, threshold, excess
    25: (c_int, c_int, c_uint),  # MEMORY_FAILURE: recipient, action, flags
    26: (_TEXT, c_ulonglong),  # MEMORY_DEVICE_SIZE_CHANGE: alias, KiB
    27: (_TEXT, _TEXT, _TEXT),  # NIC_MAC_CHANGE: alias, old address, new address
    28: (c_uint,),  # VCPU_REMOVED: number
    29: (_TEXT, c_int, c_int),  # CHANNEL_LIFECYCLE: channel, state, reason
}

_trampolines: dict[int, Any] = {}


def _trampoline(event: int) -> Any:
    """The C function for this kind of event. There is one of each kind, because it is never freed."""
    known = _trampolines.get(event)
    if known is not None:
        return known
    kinds = _EVENTS[event]
    c_types: list[Any] = []
    for kind in kinds:
        c_types += kind.c_types if isinstance(kind, _Read) else (kind,)

    def call(_conn: int, dom: int, *arguments: Any) -> int:
        try:
            entry = _registered.get(arguments[-1])
            if entry is None:
                return 0
            conn, cb, opaque = entry
            values: list[Any] = []
            given = iter(arguments[:-1])
            for kind in kinds:
                if isinstance(kind, _Read):
                    values.append(kind.make(*(next(given) for _ in kind.c_types)))
                else:
                    values.append(next(given))
            cb(conn, conn._share(dom), *values, opaque)
        except BaseException:
            report()
        return 0

    result = lasting(CFUNCTYPE(c_int, c_void_p, c_void_p, *c_types, c_void_p)(call))
    # Of several threads the first one's is used by all: what registers and what deregisters must name the same function.
    return _trampolines.setdefault(event, result)


def register_domain_event(conn: virConnect, dom: virDomain | None, event: int, cb: Callable[..., Any], opaque: Any) -> int:
    """Registers a callback for one kind of event."""
    if event not in _EVENTS:  # Nobody knows its arguments.
        raise libvirtError("virConnectDomainEventRegisterAny() failed", use_last_error=False)
    number = register(conn, cb, opaque)
    callback = _trampoline(event)
    result: int = library.virConnectDomainEventRegisterAny(
        conn._o, None if dom is None else dom._o, event, callback, number, free_entry
    )
    if result < 0:
        forget(number)
        raise failure("virConnectDomainEventRegisterAny")
    take_back_at_end(number, library.virConnectDomainEventDeregisterAny, conn._o, result)
    return result


def _tell_listeners(conn: virConnect, dom: virDomain, event: int, detail: int, listeners: dict[Any, Any]) -> None:
    for cb, opaque in list(listeners.items()):
        try:
            cb(conn, dom, event, detail, opaque)
        except BaseException:
            report()


def register_listener(conn: virConnect, cb: Callable[..., Any], opaque: Any) -> None:
    """Registers for lifecycle events with the old API. One registration with the library serves all callbacks."""
    if conn._listeners:
        conn._listeners[cb] = opaque
        return
    listeners = {cb: opaque}
    number = register(conn, _tell_listeners, listeners)
    if library.virConnectDomainEventRegister(conn._o, _trampoline(0), number, free_entry) < 0:
        forget(number)
        raise failure("virConnectDomainEventRegister")
    take_back_at_end(number, library.virConnectDomainEventDeregister, conn._o, _trampoline(0))
    conn._listeners = listeners


def deregister_listener(conn: virConnect, cb: Callable[..., Any]) -> None:
    """Unregisters one callback."""
    listeners = conn._listeners
    if listeners is None:
        return
    del listeners[cb]
    if not listeners:
        if library.virConnectDomainEventDeregister(conn._o, _trampoline(0)) < 0:
            raise failure("virConnectDomainEventDeregister")


def _closed(_conn: int, reason: int, number: int) -> None:
    try:
        entry = _registered.get(number)
        if entry is not None:
            conn, cb, opaque = entry
            cb(conn, reason, opaque)
    except BaseException:
        report()


_closed_c = lasting(CFUNCTYPE(None, c_void_p, c_int, c_void_p)(_closed))


def register_close_callback(conn: virConnect, cb: Callable[..., Any], opaque: Any) -> int:
    """Registers a callback for the loss of the connection."""
    number = register(conn, cb, opaque)
    result: int = library.virConnectRegisterCloseCallback(conn._o, _closed_c, number, free_entry)
    if result < 0:
        forget(number)
        raise failure("virConnectRegisterCloseCallback")
    take_back_at_end(number, library.virConnectUnregisterCloseCallback, conn._o, _closed_c)
    conn._close_callback = number
    return result


def unregister_close_callback(conn: virConnect) -> None:
    """Unregisters it."""
    conn._close_callback = None
    if library.virConnectUnregisterCloseCallback(conn._o, _closed_c) < 0:
        raise failure("virConnectUnregisterCloseCallback")


# Errors

_error_handler: tuple[Callable[..., Any], Any] | None = None
_is_error_handler_to_go = False


def _error_occurred(_opaque: int, error: int) -> None:
    try:
        handler = _error_handler
        if handler is None:
            library.virDefaultErrorFunc(error)
        else:
            function, context = handler
            function(context, unpack_error(error))
    except BaseException:
        report()


_error_occurred_c = lasting(CFUNCTYPE(None, c_void_p, c_void_p)(_error_occurred))


def registerErrorHandler(f: Callable[[Any, Any], Any] | None, ctx: Any) -> int:
    """Calls ``f(ctx, error)`` for each error instead of printing it to standard error. `error` has the form of
    ``libvirtError.err``. None for both restores the default. Returns 1."""
    global _error_handler, _is_error_handler_to_go
    _error_handler = None if f is None else (f, ctx)
    library.virSetErrorFunc(None, _error_occurred_c)
    if not _is_error_handler_to_go:
        # The library outlasts this interpreter, and what it would call.
        _is_error_handler_to_go = True
        at_end(library.virSetErrorFunc, None, None)
    return 1


# Credentials: virConnectCredential is type, prompt, challenge, default, result and the result's length.

_CREDENTIAL = Struct("i4xPPPPI4x")
_AUTHENTICATION = Struct("PI4xPP")


def _credentials_wanted(array: int, length: int, number: int) -> int:
    try:
        entry = _registered.get(number)
        if entry is None:
            return -1
        callback, data = entry
        questions = list(_CREDENTIAL.iter_unpack(string_at(array, length * _CREDENTIAL.size)))
        texts = [[_string(string_at(pointer)) if pointer else None for pointer in question[1:4]] for question in questions]
        credentials: list[list[Any]] = [[question[0], *text, None] for question, text in zip(questions, texts)]
        result = callback(credentials, data)
        if result is None or int(result) < 0:
            return -1
        for position, credential in enumerate(credentials):
            answer = credential[4]
            if answer is not None:
                encoded = str(answer).encode()
                filled = Struct("PI").pack(library.strdup(encoded), len(encoded))
                memmove(array + position * _CREDENTIAL.size + 32, filled, len(filled))
        return 0
    except BaseException:
        report()
        return -1


_credentials_wanted_c = lasting(CFUNCTYPE(c_int, c_void_p, c_uint, c_void_p)(_credentials_wanted))


def open_with_credentials(uri: bytes | None, auth: list[Any], flags: int) -> int:
    """Opens a connection with a callback for credentials. Returns its handle."""
    from ctypes import addressof, create_string_buffer

    types, callback, data = auth
    kinds = create_string_buffer(Struct(f"{len(types)}i").pack(*types))
    number = register(callback, data)
    try:
        function = cast(_credentials_wanted_c, c_void_p).value
        request = create_string_buffer(_AUTHENTICATION.pack(addressof(kinds), len(types), function, number))
        handle: int | None = library.virConnectOpenAuth(uri, request, flags)
        if not handle:
            raise failure("virConnectOpenAuth")
        return handle
    finally:
        forget(number)
