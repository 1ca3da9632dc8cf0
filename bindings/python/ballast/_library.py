"""The native library: its location, its functions, and their protection.

The file is ``BALLAST_LIBRARY`` if set, else the one in this package, else the one built in the checkout, else the
system's.
"""

from __future__ import annotations

import ctypes
import os
from _operator import methodcaller
from _thread import get_ident as get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from typing import Any, Callable, Generator, NoReturn
else:
    from _collections import deque  # The interpreter's own; the module collections takes a while to import.

_TYPES: dict[str, Any] = {
    "v": None,
    "i": ctypes.c_int,
    "u": ctypes.c_uint,
    "l": ctypes.c_long,
    "L": ctypes.c_ulong,
    "Q": ctypes.c_ulonglong,
    "s": ctypes.c_char_p,
    "p": ctypes.c_void_p,
}

# Result and arguments by the letters above. A text that the caller has to free comes as "p".
_SIGNATURES = {
    "free": "vp",
    "strdup": "ps",
    "virInitialize": "i",
    "virGetVersion": "ipsp",
    "virGetLastError": "p",
    "virGetLastErrorCode": "i",
    "virGetLastErrorDomain": "i",
    "virGetLastErrorMessage": "s",
    "virResetLastError": "v",
    "virConnGetLastError": "pp",
    "virConnResetLastError": "vp",
    "virDefaultErrorFunc": "vp",
    "virSetErrorFunc": "vpp",
    "virConnectOpen": "ps",
    "virConnectOpenReadOnly": "ps",
    "virConnectOpenAuth": "pspu",
    "virConnectClose": "ip",
    "virConnectGetType": "sp",
    "virConnectGetVersion": "ipp",
    "virConnectGetLibVersion": "ipp",
    "virConnectGetHostname": "pp",
    "virConnectGetURI": "pp",
    "virConnectGetCapabilities": "pp",
    "virConnectGetSysinfo": "ppu",
    "virConnectGetMaxVcpus": "ips",
    "virConnectIsAlive": "ip",
    "virConnectIsEncrypted": "ip",
    "virConnectIsSecure": "ip",
    "virConnectSetKeepAlive": "ipiu",
    "virConnectNumOfDomains": "ip",
    "virConnectListDomains": "ippi",
    "virConnectNumOfDefinedDomains": "ip",
    "virConnectListDefinedDomains": "ippi",
    "virConnectListAllDomains": "ippu",
    "virConnectGetAllDomainStats": "ipupu",
    "virConnectDomainEventRegister": "ipppp",
    "virConnectDomainEventDeregister": "ipp",
    "virConnectDomainEventRegisterAny": "ippippp",
    "virConnectDomainEventDeregisterAny": "ipi",
    "virConnectRegisterCloseCallback": "ipppp",
    "virConnectUnregisterCloseCallback": "ipp",
    "virNodeGetInfo": "ipp",
    "virNodeGetFreeMemory": "Qp",
    "virNodeGetCellsFreeMemory": "ippii",
    "virNodeGetMemoryStats": "ipippu",
    "virNodeGetCPUStats": "ipippu",
    "virNodeGetCPUMap": "ipppu",
    "virNodeGetSecurityModel": "ipp",
    "virNodeGetFreePages": "ipupiupu",
    "virConnectListAllStoragePools": "ippu",
    "virConnectGetCPUModelNames": "ipspu",
    "virDomainDefineXML": "pps",
    "virDomainDefineXMLFlags": "ppsu",
    "virDomainCreateXML": "ppsu",
    "virDomainCreateLinux": "ppsu",
    "virDomainLookupByID": "ppi",
    "virDomainLookupByName": "pps",
    "virDomainLookupByUUID": "pps",
    "virDomainLookupByUUIDString": "pps",
    "virDomainRef": "ip",
    "virDomainFree": "ip",
    "virDomainGetName": "sp",
    "virDomainGetUUID": "ipp",
    "virDomainGetUUIDString": "ipp",
    "virDomainGetID": "ip",
    "virDomainGetOSType": "pp",
    "virDomainGetInfo": "ipp",
    "virDomainGetState": "ipppu",
    "virDomainGetControlInfo": "ippu",
    "virDomainGetJobInfo": "ipp",
    "virDomainGetJobStats": "ippppu",
    "virDomainGetMetadata": "ppisu",
    "virDomainSetMetadata": "ipisssu",
    "virDomainGetVcpus": "ippipi",
    "virDomainGetVcpusFlags": "ipu",
    "virDomainSetVcpus": "ipu",
    "virDomainSetVcpusFlags": "ipuu",
    "virDomainGetVcpuPinInfo": "ipipiu",
    "virDomainGetMemoryParameters": "ipppu",
    "virDomainGetNumaParameters": "ipppu",
    "virDomainGetSchedulerType": "ppp",
    "virDomainGetSchedulerParameters": "ippp",
    "virDomainGetSchedulerParametersFlags": "ipppu",
    "virDomainGetCPUStats": "ippuiuu",
    "virDomainBlockStats": "ipspL",
    "virDomainBlockStatsFlags": "ipsppu",
    "virDomainGetBlockInfo": "ipspu",
    "virDomainInterfaceStats": "ipspL",
    "virDomainPMWakeup": "ipu",
    "virDomainStartDirtyRateCalc": "ipiu",
    "virDomainGetMessages": "ippu",
    "virDomainGetSecurityLabel": "ipp",
    "virDomainGetXMLDesc": "ppu",
    "virDomainGetAutostart": "ipp",
    "virDomainSetAutostart": "ipi",
    "virDomainGetMaxMemory": "Lp",
    "virDomainGetMaxVcpus": "ip",
    "virDomainSetMaxMemory": "ipL",
    "virDomainSetMemory": "ipL",
    "virDomainSetMemoryFlags": "ipLu",
    "virDomainMemoryStats": "ippuu",
    "virDomainSetMemoryStatsPeriod": "ipiu",
    "virDomainIsActive": "ip",
    "virDomainIsPersistent": "ip",
    "virDomainIsUpdated": "ip",
    "virDomainHasManagedSaveImage": "ipu",
    "virDomainManagedSave": "ipu",
    "virDomainManagedSaveRemove": "ipu",
    "virDomainRename": "ipsu",
    "virDomainUndefine": "ip",
    "virDomainUndefineFlags": "ipu",
    "virDomainSuspend": "ip",
    "virDomainResume": "ip",
    "virDomainCreate": "ip",
    "virDomainCreateWithFlags": "ipu",
    "virDomainShutdown": "ip",
    "virDomainShutdownFlags": "ipu",
    "virDomainReboot": "ipu",
    "virDomainReset": "ipu",
    "virDomainDestroy": "ip",
    "virDomainDestroyFlags": "ipu",
    "virDomainListGetStats": "ipupu",
    "virDomainStatsRecordListFree": "vp",
    "virTypedParamsClear": "vpi",
    "virTypedParamsFree": "vpi",
    "virEventRegisterDefaultImpl": "i",
    "virEventRunDefaultImpl": "i",
    "virEventRegisterImpl": "vpppppp",
    "virEventAddHandle": "iiippp",
    "virEventUpdateHandle": "vii",
    "virEventRemoveHandle": "ii",
    "virEventAddTimeout": "iippp",
    "virEventUpdateTimeout": "vii",
    "virEventRemoveTimeout": "ii",
    "ballastGetVersion": "s",
    "ballastMemoryStatLabel": "si",
    "ballastMemoryReasonLabel": "si",
    "ballastFreshnessLabel": "si",
    "ballastUsedFormulaLabel": "si",
    "ballastMemoryInconsistencyLabel": "su",
    "ballastMemoryReasonRemedy": "pis",
    "ballastDomainGetMemorySample": "ipppuu",
    "ballastMemorySampleGetMissing": "ipip",
    "ballastDomainRefreshMemoryStats": "ipppuu",
    "ballastDomainGetMemoryStatsPeriod": "ipu",
    "ballastConnectGetMemorySamples": "ipppu",
    "ballastMemoryRecordListFree": "vp",
    "ballastConnectGetHostMemory": "ipspu",
    "ballastConnectGetProcessMemory": "ipppu",
    "ballastProcessMemoryListFree": "vp",
    "ballastConnectWatchMemoryStats": "pppuu",
    "ballastWatchGetFd": "ip",
    "ballastWatchNext": "ippi",
    "ballastMemoryRecordFree": "vp",
    "ballastWatchFree": "vp",
    "ballastConnectShutdown": "ip",
    "ballastSetInterruptCheck": "vpp",
    "ballastEndCallbacks": "v",
}


def declare(name: str, signature: str) -> None:
    """Adds a function, with its result and arguments by the letters above."""
    _SIGNATURES[name] = signature


refusals: list[Callable[[str], Exception]] = []
"""What makes the exception of a call that is refused after a fork: the errors' module puts it here."""


class Library:
    """The library's functions, each bound when it is first used."""

    forked = False
    """Whether this process is a fork of one that used the library, and so must leave it alone."""

    def __init__(self, handle: ctypes.CDLL) -> None:
        self._handle = handle
        self._used = False

    def __getattr__(self, name: str) -> Any:
        signature = _SIGNATURES.get(name)
        if signature is None:
            raise AttributeError(name)
        function = self._handle[name]
        function.restype = _TYPES[signature[0]]
        function.argtypes = [_TYPES[letter] for letter in signature[1:]]
        setattr(self, name, function)
        if not self._used:
            self._used = True
            # One check serves the process. Handlers of signals run in the main interpreter only, and it outlasts the others.
            if is_main_interpreter():
                self._install_interrupt_check()
        return function

    @property
    def path(self) -> str:
        """The file that was loaded, or the name by which the system found it."""
        return str(self._handle._name)

    def take_text(self, pointer: int) -> str:
        """Decodes a text that the caller owns, and frees it."""
        try:
            return ctypes.string_at(pointer).decode()
        finally:
            self.free(pointer)

    def _install_interrupt_check(self) -> None:
        for _ in range(_CHECKERS):
            _add_checker()
        try:
            self.ballastSetInterruptCheck(_check, None)
        except AttributeError:
            return  # libvirt's own library, which can stand in for ours where only libvirt's functions are wanted.
        # A thread that waits in a call may outlive the interpreter, which must not be called then.
        at_end(self.ballastSetInterruptCheck, None, None)

    def _after_fork_in_child(self) -> None:
        # What was never used has no threads and no state that the fork could have lost.
        if self._used:
            self.__dict__.clear()
            self.__class__ = _ForkedLibrary


class _ForkedLibrary(Library):
    """Replaces the library in a forked child, which does not inherit its threads."""

    forked = True

    def __getattr__(self, name: str) -> Any:
        def refuse(*_arguments: object) -> NoReturn:
            raise refusals[-1](name)

        return refuse


class Handle:
    """The owner of an object of the native library. It frees the object, so there is only one owner."""

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        # Copies by pickle and by the module copy.
        raise TypeError(f"a {type(self).__name__} can be neither copied nor pickled: use this one, or look it up again")


def at_end(function: Callable[..., object], *arguments: object) -> None:
    """Calls the function when the interpreter ends, unless this is a forked child, which has no library."""
    import atexit

    def call() -> None:
        if not library.forked:
            function(*arguments)

    atexit.register(call)


def lasting(function: Any) -> Any:
    """The same C function, which is never freed: the library's threads, and threads that wait in it, outlive the interpreter,
    and may call what they were given when it has freed all else. Such a call ends, or stops, in the interpreter's lock."""
    try:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(function))
    except AttributeError:  # Another one than CPython.
        _kept.append(function)
    return function


_kept: list[Any] = []


def is_main_interpreter() -> bool:
    try:
        main, current = ctypes.pythonapi.PyInterpreterState_Main, ctypes.pythonapi.PyInterpreterState_Get
    except AttributeError:  # Python before 3.9, or another one than CPython.
        return True
    main.restype = current.restype = ctypes.c_void_p
    return bool(main() == current())


def _end_callbacks() -> None:
    if library._used:
        try:
            library.ballastEndCallbacks()
        except AttributeError:
            pass  # libvirt's own library.


def _missing(message: str) -> ImportError:
    # It is the package that cannot be had: by this name ``python -m ballast`` says it in one line.
    return ImportError(message, name="ballast")


def _find() -> ctypes.CDLL:
    named = os.environ.get("BALLAST_LIBRARY")
    here = os.path.dirname(os.path.abspath(__file__))
    checkout = os.path.join(here, "..", "..", "..")
    candidates = [named] if named else [os.path.join(here, "libballast.so")]
    if not named and os.path.exists(os.path.join(checkout, "Ballast.slnx")):
        candidates.append(os.path.normpath(os.path.join(checkout, "artifacts", "native", "libballast.so")))
    for path in candidates:
        if named or os.path.exists(path):
            try:
                return ctypes.CDLL(path)
            except OSError as error:
                origin = " (named by BALLAST_LIBRARY)" if named else ""
                raise _missing(f"the native library {path}{origin} cannot be loaded: {error}") from None
    try:
        return ctypes.CDLL("libballast.so.0")
    except OSError as error:
        raise _missing(
            "libballast.so was not found: BALLAST_LIBRARY does not name it, it is neither "
            f"{' nor '.join(candidates)}, and the system has none ({error})"
        ) from None


# Signals. While a call waits, the library asks ten times a second whether to go on. Python's handlers then have to run,
# and what they raise has to end the call. They run when Python code begins, before it has entered any ``try``, so no
# function could catch it; a generator that goes on after a ``yield`` inside a ``try`` can. Each question therefore goes,
# by C code alone, to one of several waiting generators: several, as a handler may wait in a call itself, and
# another thread may ask meanwhile.

_CHECKERS = 16
_waiting: deque[Generator[int | None, Any, None]] = deque()

raised_in_calls: list[tuple[int, BaseException]] = []
"""Exceptions of handlers and callbacks during calls, with the thread, until the call has returned."""

abandoned: set[int] = set()
"""Threads whose call was abandoned."""


def _checker() -> Generator[int | None, Any, None]:
    me = yield None
    answer = 0
    while True:
        try:
            _waiting.append(me)
            yield answer
            answer = 1 if get_ident() in abandoned or _is_to_be_raised() else 0
        except GeneratorExit:
            return
        except BaseException as error:
            raised_in_calls.append((get_ident(), error))
            answer = 1


def _is_to_be_raised() -> bool:
    # The call before may have ended well at the moment when it was to be given up.
    return bool(raised_in_calls) and any(owner == get_ident() for owner, _ in raised_in_calls)


def _add_checker() -> None:
    checker = _checker()
    next(checker)
    checker.send(checker)


_check = lasting(ctypes.CFUNCTYPE(ctypes.c_int)(map(methodcaller("send", None), iter(_waiting.popleft, None)).__next__))

library = Library(_find())
if is_main_interpreter():
    # Threads that wait in the library outlive the interpreter. What the program itself does at its end comes before.
    at_end(_end_callbacks)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=library._after_fork_in_child)
