"""Arrays of typed parameters, and of named numbers, as dictionaries."""

from __future__ import annotations

from struct import Struct
from ctypes import addressof, create_string_buffer, string_at

from ._library import library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

# virTypedParameter: field, type, and a value of eight bytes that is read as an unsigned number first.
_PARAMETER = Struct("80siQ")
_UNSIGNED_LONG = 4

# virNodeMemoryStats and virNodeCPUStats: field and value.
_NUMBER = Struct("80sQ")

_MOST_NAMES = 4096


class _Names(dict[bytes, str] if TYPE_CHECKING else dict):  # type: ignore[misc]
    """Field names by their 80 bytes, each decoded once."""

    def __missing__(self, field: bytes) -> str:
        if len(self) >= _MOST_NAMES:
            self.clear()
        name = field.partition(b"\0")[0].decode(errors="replace")
        self[field] = name
        return name


_names = _Names()


def _double(value: int) -> float:
    number: float = Struct("d").unpack(value.to_bytes(8, "little"))[0]
    return number


_CONVERSIONS: dict[int, Callable[[int], Any]] = {
    1: lambda value: ((value & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000,  # INT
    2: lambda value: value & 0xFFFFFFFF,  # UINT
    3: lambda value: (value ^ (1 << 63)) - (1 << 63),  # LLONG
    5: _double,
    6: lambda value: bool(value & 0xFF),
    7: lambda value: string_at(value).decode(errors="replace") if value else None,
}


def unpack_parameters(pointer: int, count: int) -> dict[str, Any]:
    """Decodes an array of virTypedParameter."""
    parameters: dict[str, Any] = {}
    if count <= 0:
        return parameters
    names = _names
    for field, kind, value in _PARAMETER.iter_unpack(string_at(pointer, count * 96)):
        if kind != _UNSIGNED_LONG:
            convert = _CONVERSIONS.get(kind)
            if convert is None:
                continue
            value = convert(value)
        parameters[names[field]] = value
    return parameters


def read_parameters(call: Callable[[Any, Any], int]) -> dict[str, Any] | None:
    """Reads typed parameters from a function that returns their number if it gets no array. None: it failed."""
    count = create_string_buffer(4)
    if call(None, count) < 0:
        return None
    entries = int.from_bytes(count.raw, "little")
    if not entries:
        return {}
    array = create_string_buffer(entries * _PARAMETER.size)
    if call(array, count) < 0:
        return None
    filled = min(entries, int.from_bytes(count.raw, "little"))
    return take_parameters(addressof(array), filled)


def take_parameters(pointer: int, count: int) -> dict[str, Any]:
    """Decodes an array that the caller owns, and frees its texts."""
    try:
        return unpack_parameters(pointer, count)
    finally:
        library.virTypedParamsClear(pointer, count)


def read_numbers(call: Callable[[Any, Any], int]) -> dict[str, int] | None:
    """Reads named numbers from a function that returns their number if it gets no array. None: it failed."""
    count = create_string_buffer(4)
    if call(None, count) < 0:
        return None
    entries = int.from_bytes(count.raw, "little")
    if not entries:
        return {}
    numbers = create_string_buffer(entries * _NUMBER.size)
    if call(numbers, count) < 0:
        return None
    entries = min(entries, int.from_bytes(count.raw, "little"))
    return {_names[field]: value for field, value in _NUMBER.iter_unpack(numbers.raw[: entries * _NUMBER.size])}
