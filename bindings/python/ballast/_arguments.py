"""Converts Python values to C. A value that does not fit raises an error and is never changed."""

from __future__ import annotations

from _operator import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import SupportsIndex


def text(value: str | None) -> bytes | None:
    """A C string."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"argument must be str or None, not {type(value).__name__}")
    encoded = value.encode()
    if b"\0" in encoded:
        raise ValueError("embedded null character")
    return encoded


def int32(value: SupportsIndex) -> int:
    """A C int."""
    number = index(value)
    if not -0x80000000 <= number <= 0x7FFFFFFF:
        raise OverflowError(f"{number} does not fit into a C int")
    return number


def unsigned32(value: SupportsIndex) -> int:
    """A C unsigned int."""
    number = index(value)
    if not 0 <= number <= 0xFFFFFFFF:
        raise OverflowError(f"{number} does not fit into a C unsigned int")
    return number


def long64(value: SupportsIndex) -> int:
    """A C long. The library itself refuses negative values."""
    number = index(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise OverflowError(f"{number} does not fit into a C long")
    return number


def flags(value: SupportsIndex) -> int:
    """The bits of a C unsigned int. Higher bits are dropped, as in libvirt-python."""
    return index(value) & 0xFFFFFFFF
