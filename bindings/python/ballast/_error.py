"""libvirt's errors as exceptions."""

from __future__ import annotations

from struct import Struct
from ctypes import string_at

from ._library import get_ident, library, raised_in_calls, refusals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Tuple

    ErrorTuple = Tuple[int, int, str, int, Optional[str], Optional[str], Optional[str], int, int]

# virError: code, domain, message, level, conn, dom, str1, str2, str3, int1, int2, net
_ERROR = Struct("iiPiPPPPPiiP")


def _text(pointer: int) -> str | None:
    return string_at(pointer).decode(errors="replace") if pointer else None


def unpack_error(pointer: int | None) -> ErrorTuple | None:
    """The nine public members of a virError; None if there is no error."""
    if not pointer:
        return None
    code, domain, message, level, _, _, str1, str2, str3, int1, int2, _ = _ERROR.unpack(string_at(pointer, _ERROR.size))
    if not code:
        return None
    return code, domain, _text(message) or "", level, _text(str1), _text(str2), _text(str3), int1, int2


class libvirtError(Exception):
    """A call has failed. ``str()`` returns the message. ``err`` is the recorded error, or None:
    (code, domain, message, level, str1, str2, str3, int1, int2), with code one of ``VIR_ERR_…``, domain one of
    ``VIR_FROM_…`` and level 1 for a warning, 2 for an error.
    """

    err: ErrorTuple | None

    def __init__(self, defmsg: str, *, use_last_error: bool = True) -> None:
        self.err = unpack_error(library.virGetLastError()) if use_last_error else None
        super().__init__(defmsg if self.err is None else self.err[2])

    def get_error_code(self) -> int | None:
        """The error code, one of ``VIR_ERR_…``."""
        return None if self.err is None else self.err[0]

    def get_error_domain(self) -> int | None:
        """The part of the system that raised the error, one of ``VIR_FROM_…``."""
        return None if self.err is None else self.err[1]

    def get_error_message(self) -> str | None:
        """The whole message."""
        return None if self.err is None else self.err[2]

    def get_error_level(self) -> int | None:
        """1 for a warning, 2 for an error."""
        return None if self.err is None else self.err[3]

    def get_str1(self) -> str | None:
        """The format of the message, or the function that refused an argument."""
        return None if self.err is None else self.err[4]

    def get_str2(self) -> str | None:
        """The detail put into the format, or the name of the argument."""
        return None if self.err is None else self.err[5]

    def get_str3(self) -> str | None:
        """Further detail."""
        return None if self.err is None else self.err[6]

    def get_int1(self) -> int | None:
        """The system's error number if the code is ``VIR_ERR_SYSTEM_ERROR``."""
        return None if self.err is None else self.err[7]

    def get_int2(self) -> int | None:
        """A further number."""
        return None if self.err is None else self.err[8]


def _refusal(function: str) -> libvirtError:
    message = (
        f"Requested operation is not valid: {function} in a process forked from one that used libballast; "
        "start a new process instead (multiprocessing: the 'spawn' method)"
    )
    error = libvirtError(message, use_last_error=False)
    error.err = (55, 0, message, 2, "Requested operation is not valid: %s", message.partition(": ")[2], None, -1, -1)
    return error


refusals.append(_refusal)


def failure(function: str) -> BaseException:
    """The exception to raise when a call has failed: one that a signal handler raised meanwhile, else libvirt's error."""
    return take_raised() or libvirtError(f"{function}() failed")


def take_raised() -> BaseException | None:
    """Takes the exception that a signal handler or a callback raised on this thread during a call that has returned."""
    if raised_in_calls:
        thread = get_ident()
        for position, (owner, error) in enumerate(raised_in_calls):
            if owner == thread:
                del raised_in_calls[position]
                return error
    return None


def raise_raised() -> None:
    """Raises that exception, after a call that has succeeded."""
    raised = take_raised()
    if raised is not None:
        raise raised


def virGetLastError() -> ErrorTuple | None:
    """This thread's last error, as in ``libvirtError.err``; None if the last call succeeded."""
    return unpack_error(library.virGetLastError())


def virGetLastErrorCode() -> int:
    """The code of this thread's last error, 0 for none."""
    code: int = library.virGetLastErrorCode()
    return code


def virGetLastErrorDomain() -> int:
    """The part of the system that raised this thread's last error, 0 for none."""
    domain: int = library.virGetLastErrorDomain()
    return domain


def virGetLastErrorMessage() -> str:
    """The message of this thread's last error, or "no error"."""
    message: bytes = library.virGetLastErrorMessage()
    return message.decode(errors="replace")


def virResetLastError() -> None:
    """Clears this thread's last error."""
    library.virResetLastError()
