"""Memory statistics as the library gives them: arrays of tags and values."""

from __future__ import annotations

from struct import Struct

from ._library import library

MOST_STATISTICS = 64
"""The size of the buffer for memory statistics: libvirt has 13, and there is room for unknown ones."""

# By tag: the library's word, or the number of one that it does not know.
_names: dict[int, str] = {}
_MOST_NAMES = 4096

# By the number of statistics: what unpacks their tags and values.
_unpackers = [Struct("iQ" * count).unpack_from for count in range(MOST_STATISTICS + 1)]

# By the tags of a report: the names. Reports hardly ever differ in their tags.
_layouts: dict[tuple[int, ...], tuple[str, ...]] = {}
_MOST_LAYOUTS = 256


def statistic_name(tag: int) -> str:
    """A statistic's name, or its number if it has none."""
    name = _names.get(tag)
    if name is None:
        label: bytes | None = library.ballastMemoryStatLabel(tag)
        if len(_names) >= _MOST_NAMES:
            _names.clear()
        name = _names[tag] = str(tag) if label is None else label.decode()
    return name


def unpack_statistics(buffer: bytes | bytearray, count: int) -> dict[str, int]:
    """An array of virDomainMemoryStatStruct, in its order."""
    values = _unpackers[count](buffer)
    tags = values[::2]
    names = _layouts.get(tags)
    if names is None:
        if len(_layouts) >= _MOST_LAYOUTS:
            _layouts.clear()
        names = _layouts[tags] = tuple(map(statistic_name, tags))
    return dict(zip(names, values[1::2]))
