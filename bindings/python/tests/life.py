"""A program: the life of a test host's domains, with all that can be asked and changed on the way.

``life.py MODULE URI`` prints, as JSON, each call's label with what it gave or raised. It starts from ``test:///default`` as
it is at first.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Callable, List

libvirt = __import__(sys.argv[1])
URI = sys.argv[2]

UUID = "11111111-2222-4333-8444-555555555555"
XML = (
    "<domain type='test'><name>mine</name><uuid>" + UUID + "</uuid><memory unit='KiB'>262144</memory>"
    "<currentMemory unit='KiB'>131072</currentMemory><vcpu current='2'>4</vcpu><os><type>hvm</type></os></domain>"
)
ELEMENT, TITLE, DESCRIPTION = (getattr(libvirt, f"VIR_DOMAIN_METADATA_{kind}") for kind in ("ELEMENT", "TITLE", "DESCRIPTION"))
LIVE, CONFIG, MAXIMUM = libvirt.VIR_DOMAIN_AFFECT_LIVE, libvirt.VIR_DOMAIN_AFFECT_CONFIG, libvirt.VIR_DOMAIN_VCPU_MAXIMUM
UNKNOWN_FLAG = 1 << 20
BLIND = 23  # Ballast sends no events of metadata.

told: List[Any] = []
seen: List[Any] = []


def show(label: str, call: Callable[..., Any], *arguments: Any) -> None:
    """Notes what a call gives."""
    told.append([label + "".join(f" {argument!r}" for argument in arguments if argument != XML), outcome(call, *arguments)])


def outcome(call: Callable[..., Any], *arguments: Any) -> str:
    try:
        result = call(*arguments)
    except libvirt.libvirtError as error:
        return f"{error} {error.err}"
    except Exception as error:
        return type(error).__name__
    if isinstance(result, libvirt.virDomain):
        return f"domain {result.name()} {result.UUIDString()} {result.ID()} {result.isPersistent()}"
    return repr(result)


def noticed(label: str) -> None:
    """Notes the events until now: those of the other domain come last, as all come in their order."""
    conn.lookupByName("test").suspend()
    conn.lookupByName("test").resume()
    end = time.monotonic() + 20
    while seen.count(("test", 0, libvirt.VIR_DOMAIN_EVENT_RESUMED, 0)) == 0 and time.monotonic() < end:
        libvirt.virEventRunDefaultImpl()
    told.append([f"events {label}", repr([event for event in seen if event[0] != "test"])])
    seen.clear()


libvirt.registerErrorHandler(lambda *_arguments: None, None)
libvirt.virEventRegisterDefaultImpl()
timer = libvirt.virEventAddTimeout(100, lambda *_arguments: None, None)
conn, reader = libvirt.open(URI), libvirt.openReadOnly(URI)
for kind in set(range(27)) - {BLIND}:
    conn.domainEventRegisterAny(None, kind, lambda _, dom, *rest: seen.append((dom.name(), rest[-1], *rest[:-1])), kind)

# Definitions
show("defineXML", conn.defineXML, XML)
show("defineXML again", conn.defineXML, XML)
show("defineXML of a taken name", conn.defineXML, XML.replace(UUID, UUID[::-1].replace("5", "6")))
show("defineXML without a name", conn.defineXML, "<domain type='test'><memory>1024</memory></domain>")
show("defineXML", conn.defineXML, "<domain")
show("defineXML", conn.defineXML, None)
show("defineXMLFlags", lambda: conn.defineXMLFlags(xml=XML, flags=0))
show("defineXMLFlags", conn.defineXMLFlags, XML, UNKNOWN_FLAG)
dom = conn.lookupByName("mine")
show("XMLDesc", dom.XMLDesc)
show("listDefinedDomains", conn.listDefinedDomains)
show("numOfDefinedDomains", conn.numOfDefinedDomains)
noticed("of definitions")

QUESTIONS = (
    "name ID state isActive isPersistent isUpdated autostart hasManagedSaveImage maxMemory maxVcpus vcpusFlags vcpuPinInfo "
    "memoryParameters numaParameters schedulerType schedulerParameters schedulerParametersFlags controlInfo jobInfo jobStats "
    "memoryStats OSType messages securityLabel"
)
for name in QUESTIONS.split():
    show(f"{name}, shut off", getattr(dom, name))
show("info, shut off", lambda: dom.info()[:4])
show("vcpus, shut off", dom.vcpus)

# Settings
for value in (1, 0, True):
    show("setAutostart", dom.setAutostart, value)
    show(f"autostart after {value}", dom.autostart)
show("setVcpus, shut off", dom.setVcpus, 3)
for number, flags in ((3, CONFIG), (6, CONFIG | MAXIMUM), (7, CONFIG), (0, CONFIG), (-1, CONFIG), ("1", CONFIG), (1, UNKNOWN_FLAG)):
    show("setVcpusFlags", dom.setVcpusFlags, number, flags)
show("vcpusFlags", dom.vcpusFlags, CONFIG)
show("vcpusFlags", dom.vcpusFlags, CONFIG | MAXIMUM)
for name in (None, "", "test", "mine", "a/b"):
    show("rename", dom.rename, name)
show("rename", dom.rename, "other", 4)
show("rename", dom.rename, "yours")
dom = conn.lookupByName("yours")
show("rename back", lambda: dom.rename(new_name="mine", flags=0))
dom = conn.lookupByName("mine")
for metadata in (
    (TITLE, "a title", None, None),
    (TITLE, "a\ntitle", None, None),
    (TITLE, "a title", "key", None),
    (DESCRIPTION, "a\ndescription", None, None),
    (ELEMENT, "<x a='1'/>", "key", "urn:x"),
    (ELEMENT, "<x", "key", "urn:x"),
    (ELEMENT, "<x/>", None, "urn:x"),
    (ELEMENT, "<x/>", "key", None),
    (9, "x", None, None),
    (TITLE, None, None, None),
):
    show("setMetadata", dom.setMetadata, *metadata)
    show(f"metadata after {metadata}", dom.metadata, metadata[0], metadata[3])
show("metadata", lambda: dom.metadata(DESCRIPTION, None, flags=CONFIG))
show("XMLDesc after all", dom.XMLDesc)
noticed("of settings")

# A running domain
show("create", dom.create)
show("create again", dom.create)
for name in QUESTIONS.split():
    show(f"{name}, running", getattr(dom, name))
show("info, running", lambda: dom.info()[:4])
show("vcpus, running", lambda: ([cpu[:2] for cpu in dom.vcpus()[0]], dom.vcpus()[1]))
show("getCPUStats, running", dom.getCPUStats, True)
show("getCPUStats, running", dom.getCPUStats, False)
for number in (2, 9, 0):
    show("setVcpus", dom.setVcpus, number)
show("setVcpusFlags", dom.setVcpusFlags, 1, LIVE)
for flags in (0, LIVE, CONFIG, libvirt.VIR_DOMAIN_VCPU_GUEST):
    show("vcpusFlags, running", dom.vcpusFlags, flags)
show("setMemory", dom.setMemory, 65536)
show("setMaxMemory", dom.setMaxMemory, 300000)
show("setMemoryFlags", dom.setMemoryFlags, 70000, CONFIG)
show("info, with less memory", lambda: dom.info()[:4])
show("getCPUStats, fewer", dom.getCPUStats, False)
show("blockStats", dom.blockStats, "vda")
show("blockStatsFlags", dom.blockStatsFlags, "vda")
show("rename, running", dom.rename, "yours")
show("setMetadata, running", dom.setMetadata, TITLE, "another", None, None, LIVE | CONFIG)
noticed("of its start")
for name in ("reboot", "suspend", "suspend", "state", "resume", "resume", "reset", "pMWakeup"):
    show(f"then {name}", getattr(dom, name))
show("reboot", dom.reboot, UNKNOWN_FLAG)
show("startDirtyRateCalc", dom.startDirtyRateCalc, 1)
noticed("of its run")

# Saved states
for name in ("managedSave", "hasManagedSaveImage", "state", "undefine", "managedSaveRemove", "hasManagedSaveImage"):
    show(f"saved: {name}", getattr(dom, name))
show("managedSaveRemove", dom.managedSaveRemove, UNKNOWN_FLAG)
show("managedSave", dom.managedSave, UNKNOWN_FLAG)
show("createWithFlags", dom.createWithFlags, UNKNOWN_FLAG)
show("createWithFlags", dom.createWithFlags, libvirt.VIR_DOMAIN_START_PAUSED)
show("state after", dom.state)
show("managedSave", dom.managedSave, libvirt.VIR_DOMAIN_SAVE_RUNNING)
show("create, saved", dom.create)
show("state after that", dom.state)
noticed("of saved states")

# Domains without a definition
for name in ("undefine", "isPersistent", "undefine", "destroy", "state", "destroy"):
    show(f"undefined: {name}", getattr(dom, name))
show("setAutostart, gone", dom.setAutostart, 1)
show("createXML", conn.createXML, XML)
show("createXML again", conn.createXML, XML)
show("createXML", conn.createXML, XML, UNKNOWN_FLAG)
show("createXML", conn.createXML, "x")
show("createXML", conn.createXML, None)
show("destroyFlags", lambda: conn.lookupByName("mine").destroyFlags())
show("createLinux", conn.createLinux, XML, libvirt.VIR_DOMAIN_START_AUTODESTROY)
show("createLinux", lambda: conn.createLinux(xmlDesc=XML, flags=0))
dom = conn.lookupByName("mine")
for name in ("state", "setAutostart", "managedSave", "shutdown", "state"):
    show(f"transient: {name}", getattr(dom, name), *([1] if name == "setAutostart" else []))
show("shutdownFlags", dom.shutdownFlags, UNKNOWN_FLAG)
show("lookupByName", conn.lookupByName, "mine")
show("undefineFlags", conn.lookupByName("test").undefineFlags, UNKNOWN_FLAG)
show("undefineFlags", lambda: conn.defineXML(XML).undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE))
noticed("of domains without a definition")

# Who may only read, and the host
for name, *arguments in (
    ("create",), ("createWithFlags",), ("undefine",), ("undefineFlags",), ("rename", "x"), ("managedSave",), ("managedSaveRemove",),
    ("setAutostart", 1), ("setMetadata", TITLE, "x", None, None), ("setVcpus", 1), ("setVcpusFlags", 1), ("reboot",), ("pMWakeup",),
    ("startDirtyRateCalc", 1),
):  # fmt: skip
    show(f"a reader's {name}", getattr(reader.lookupByName("test"), name), *arguments)
for name in ("defineXML", "defineXMLFlags", "createXML", "createLinux"):
    show(f"a reader's {name}", getattr(reader, name), XML)
for name, *arguments in (
    ("getInfo",), ("getFreePages", [4], 0, 1), ("getFreePages", [4], 0, 0), ("getCPUModelNames", "x86_64"), ("getCPUModelNames", None),
    ("getMaxVcpus", None), ("getMemoryStats", -1), ("getCPUStats", -1), ("getCPUMap",), ("getSecurityModel",), ("getSysinfo",),
    ("getFreeMemory",), ("getCellsFreeMemory", 0, 2), ("listAllDomains", UNKNOWN_FLAG), ("getCapabilities",), ("listDefinedDomains",),
):  # fmt: skip
    show(f"the host's {name}", getattr(conn, name), *arguments)
json.dump(told, sys.stdout)
