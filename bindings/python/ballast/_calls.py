"""What the calls on an object of the native library have in common."""

from __future__ import annotations

from ._error import failure, raise_raised
from ._library import Handle, library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._connect import virConnect
    from ._domain import virDomain


class Calls(Handle):
    """Calls on the object that this one owns. The error of a call that failed is raised."""

    _o: int | None = None

    def _number(self, function: str, *arguments: Any) -> int:
        result: int = getattr(library, function)(self._o, *arguments)
        if result < 0:
            raise failure(function)
        raise_raised()
        return result

    def _text(self, function: str, *arguments: Any) -> str:
        pointer = getattr(library, function)(self._o, *arguments)
        if not pointer:
            raise failure(function)
        return library.take_text(pointer)


class ConnectCalls(Calls):
    """A part of what `virConnect` can do."""

    @property
    def _itself(self) -> virConnect:
        return self  # type: ignore[return-value]  # Nothing else has this base.


class DomainCalls(Calls):
    """A part of what `virDomain` can do."""

    @property
    def _itself(self) -> virDomain:
        return self  # type: ignore[return-value]  # Nothing else has this base.
