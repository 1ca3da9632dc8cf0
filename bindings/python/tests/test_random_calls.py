"""Random calls on the test driver, one after another on libvirt's and on ours: each gives the same."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from programs import as_of_9

NAMES = ("a", "b", "c", "d")
UUIDS = {name: f"11111111-2222-3333-4444-0000000000{number:02x}" for number, name in enumerate(NAMES)}
HOST = """<node xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
  <cpu><nodes>1</nodes><sockets>1</sockets><cores>3</cores><threads>1</threads></cpu>
  <domain type='test'><name>a</name><uuid>{a}</uuid><memory unit='MiB'>64</memory><vcpu current='2'>4</vcpu><os><type>hvm</type></os>
    <devices><disk type='file'><source file='/x'/><target dev='vda' bus='virtio'/></disk><memballoon model='virtio'/></devices></domain>
  <domain type='test'><name>b</name><uuid>{b}</uuid><memory>4096</memory><os><type>hvm</type></os><test:runstate>5</test:runstate></domain>
  <domain type='test'><name>c</name><uuid>{c}</uuid><memory>4096</memory><os><type>hvm</type></os><test:transient/></domain>
</node>
"""

FLAGS = (0, 0, 0, 1, 2, 3, 4, 8, 0x40)
SIZES = (0, 1, 1024, 2048, 4096, 8192, 1 << 40, -1)
MEMORY = ("<memory>4096</memory>", "<memory>0</memory>", "<memory>4096</memory><currentMemory>512</currentMemory>",
          "<maxMemory slots='2'>8192</maxMemory><memory>4096</memory>", "<maxMemory>8192</maxMemory><memory>4096</memory>",
          "<maxMemory slots='1'>1024</maxMemory><memory>4096</memory>", "<memory unit='MiB'>2</memory>")  # fmt: skip
PROCESSORS = ("", "<vcpu>2</vcpu>", "<vcpu current='1'>4</vcpu>", "<vcpu>0</vcpu>", "<vcpu current='3'>2</vcpu>", "<vcpu cpuset='0-1'>2</vcpu>")
REST = ("", "<title>t</title>", "<description>d</description>", "<metadata><x:a xmlns:x='urn:a'>1</x:a></metadata>", "<on_reboot>destroy</on_reboot>")
DEVICES = ("", "<memballoon model='none'/>", "<disk type='file'><source file='/y'/><target dev='vdb'/></disk>")


def _definition(dice: random.Random) -> str:
    name = dice.choice(NAMES)
    parts = "".join(dice.choice(kind) for kind in (MEMORY, PROCESSORS, REST))
    return (
        f"<domain type='test'><name>{name}</name><uuid>{UUIDS[dice.choice((name, name, name, 'a'))]}</uuid>{parts}"
        f"<os><type>hvm</type></os><devices>{dice.choice(DEVICES)}</devices></domain>"
    )


# A method of a domain, with what its arguments are chosen from.
METHODS: List[Tuple[str, Tuple[Any, ...]]] = [
    *((name, ()) for name in ("create", "destroy", "suspend", "resume", "shutdown", "undefine", "managedSaveRemove") for _ in range(3)),
    *((name, (FLAGS,)) for name in ("createWithFlags", "destroyFlags", "reboot", "undefineFlags", "managedSave", "shutdownFlags") for _ in range(2)),
    *((name, ()) for name in ("name", "ID", "UUIDString", "OSType", "isActive", "isPersistent", "isUpdated", "maxMemory", "maxVcpus", "autostart",
                              "schedulerType", "memoryStats", "jobInfo", "numaParameters")),
    *((name, (FLAGS,)) for name in ("state", "hasManagedSaveImage", "XMLDesc", "vcpusFlags", "messages", "jobStats", "controlInfo")),
    ("setMemory", (SIZES,)), ("setMemoryFlags", (SIZES, FLAGS)), ("setMaxMemory", (SIZES,)), ("setMemoryStatsPeriod", ((0, 5, -1), FLAGS)),
    ("setVcpus", ((0, 1, 2, 3, 4, 40),)), ("setVcpusFlags", ((0, 1, 2, 4, 9), FLAGS)), ("setAutostart", ((0, 1),)),
    ("rename", (("b", "d", "e", "", "a/b"), (0,))), ("blockInfo", (("vda", "/x", ""),)),
    ("setMetadata", ((0, 1, 2, 3), ("<a>1</a>", "<b/>", None), (None, "k"), (None, "urn:u"), FLAGS)),
    ("metadata", ((0, 1, 2, 3), (None, "urn:u", "urn:a"), FLAGS)),
]  # fmt: skip

# Memory that can grow without slots to grow in, and flags of messages that mean nothing: 9.0 and Ballast take both.
NEWER_REFUSES = re.compile(r"<maxMemory>|messages\[(4|8|64)\]")


def _step(dice: random.Random) -> Tuple[str, Callable[[Any], Any]]:
    """One call, as text and as a function of the connection."""
    kind = dice.random()
    if kind < 0.12:
        xml, (name, flags) = _definition(dice), dice.choice((("defineXML", ()), ("createXML", (0,)), ("createXML", (dice.choice(FLAGS),))))
        return f"{name} {xml} {flags}", lambda conn: getattr(conn, name)(xml, *flags).name()
    if kind < 0.2:
        chosen = dice.randrange(1 << 14)
        return f"listAllDomains {chosen}", lambda conn: sorted(dom.name() for dom in conn.listAllDomains(chosen))
    name = dice.choice((*NAMES, "e"))
    method, choices = dice.choice(METHODS)
    arguments = [dice.choice(choice) for choice in choices]
    return f"{name}.{method}{arguments}", lambda conn: getattr(conn.lookupByName(name), method)(*arguments)


def _told(module: Any, conn: Any, call: Callable[[Any], Any]) -> Any:
    try:
        result = call(conn)
        # What is left of metadata that was taken away is written by the one and not by the other.
        return result.replace("  <metadata/>\n", "") if isinstance(result, str) else result
    except module.libvirtError as error:
        return error.err
    except (OverflowError, TypeError) as error:
        return type(error)


@pytest.mark.parametrize("seed", range(8))
def test_each_call_gives_the_same(libvirt: Any, ballast: Any, tmp_path: Path, seed: int) -> None:
    host = tmp_path / "host.xml"
    host.write_text(HOST.format(**UUIDS))
    theirs, ours = libvirt.open(f"test://{host}"), ballast.open(f"test://{host}")
    dice = random.Random(seed)
    calls: Dict[str, int] = {"given": 0, "refused": 0}
    for _ in range(600):
        text, call = _step(dice)
        if libvirt.getVersion() > 9000000 and NEWER_REFUSES.search(text):
            continue
        expected, given = as_of_9(_told(libvirt, theirs, call), 9000000), _told(ballast, ours, call)
        assert given == expected, f"seed {seed}: {text}"
        calls["refused" if isinstance(expected, tuple) and len(expected) == 9 else "given"] += 1
    assert min(calls.values()) > 50
