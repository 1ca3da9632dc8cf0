"""A program: each method gets values of the wrong kind, too large, or strange, for one argument after another.

``conversions.py MODULE`` prints, as JSON, each call with what it gave or raised.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any, Dict, List

import libvirt as model
from ballast._unserved import TABLES

libvirt = __import__(sys.argv[1])

XML = "<domain type='test'><name>mine</name><memory>1024</memory><os><type>hvm</type></os></domain>"
FITTING: Dict[str, Any] = {
    "arch": "x86_64", "autostart": 1, "callbackID": 0, "cellNum": -1, "count": 5, "cpuNum": -1, "flags": 0, "id": 1, "interval": 5,
    "key": None, "maxCells": 1, "memory": 1024, "metadata": "m", "name": "test", "new_name": "x", "nvcpus": 1, "pages": [4],
    "path": "vda", "period": 1, "seconds": 1, "startCell": 0, "stats": 0, "total": True, "type": 0, "uri": None, "uuid": b"f" * 16,
    "uuidstr": "6695eb01-f6a4-8304-79aa-97f2502e193f", "xml": XML, "xmlDesc": XML,
}  # fmt: skip
NOT_SERVED = {kind: {row.partition("(")[0] for row in table.split("\n")} for kind, table in TABLES.items()}
CALLBACKS = {"cb", "opaque", "dom", "doms", "eventID", "callbackID"}


class Three:
    """A number, as far as numbers are wanted."""

    def __index__(self) -> int:
        return 3

    def __repr__(self) -> str:
        return "Three()"


STRANGE = [None, 5, -1, 1 << 31, 1 << 32, (1 << 32) + 1, 1 << 63, 1 << 70, 1.5, True, "x", "x\0y", "\udcff", b"x",
           [], (4,), [None], ["x"], [-1], [1 << 32], {}, object, Three()]  # fmt: skip


def outcome(call: Any, arguments: Dict[str, Any]) -> str:
    try:
        result = call(**arguments)
    except libvirt.libvirtError as error:
        return f"{error} {error.err}"
    except Exception as error:
        return type(error).__name__
    if isinstance(result, libvirt.virDomain):
        return f"domain {result.name()}"
    if isinstance(result, list) and result and isinstance(result[0], (libvirt.virDomain, tuple)):
        return f"{len(result)} domains"
    return repr(result)


libvirt.registerErrorHandler(lambda *_arguments: None, None)
told: List[Any] = []
for kind in ("virConnect", "virDomain"):
    for name in dir(getattr(model, kind)):
        method = getattr(getattr(model, kind), name)
        if name.startswith("_") or name in NOT_SERVED[kind] or not inspect.isfunction(method):
            continue
        parameters = list(inspect.signature(method).parameters)[1:]
        if CALLBACKS & set(parameters):
            continue
        for parameter in parameters:
            for value in STRANGE:
                if name == "getFreePages" and parameter == "maxCells" and value in (-1, 1 << 31):
                    continue  # libvirt-python takes the memory for so many, if the machine has it.
                conn = libvirt.open("test:///default")
                owner = conn if kind == "virConnect" else conn.lookupByName("test")
                arguments = {one: None if name == "getMaxVcpus" else FITTING[one] for one in parameters}
                arguments[parameter] = value
                told.append([f"{kind}.{name}({parameter}={value!r})", outcome(getattr(owner, name), arguments)])
                del owner
                conn.close()
json.dump(told, sys.stdout)
