"""The constants are libvirt's: all of 9.0's, and what is in scope of later ones'."""

from __future__ import annotations

from typing import Any

# Of a libvirt that is newer than 9.0: what is covered, and what of that is about other things than domains and their memory.
COVERED = ("LIBVIR_", "VIR_CONNECT_", "VIR_CRED_", "VIR_DOMAIN_", "VIR_ERR_", "VIR_EVENT_HANDLE_", "VIR_FROM_", "VIR_NODE_",
           "VIR_TYPED_PARAM_", "VIR_VCPU_INFO_", "VIR_WAR_")  # fmt: skip
LEFT_OUT = tuple(
    "VIR_DOMAIN_" + group + "_"
    for group in (
        "BACKUP",
        "BANDWIDTH",
        "BLKIO",
        "BLOCK",
        "CHECKPOINT",
        "CORE_DUMP",
        "DIRTYRATE",
        "GUEST_INFO",
        "IOTHREAD",
        "LAUNCH_SECURITY",
        "NUMATUNE",
        "PROCESS_SIGNAL",
        "SCHED",
        "SCHEDULER",
        "SNAPSHOT",
        "TUNABLE",
    )
) + tuple(
    "VIR_CONNECT_LIST_" + group + "_"
    for group in ("INTERFACES", "NETWORKS", "NODE_DEVICES", "NWFILTERS", "SECRETS", "STORAGE_POOLS")
) + ("VIR_NODE_DEVICE_EVENT_", "VIR_NODE_SEV_")  # fmt: skip


def test_every_one_is_there_with_its_value(libvirt: Any, ballast: Any) -> None:
    names = [name for name in dir(libvirt) if name.startswith(("LIBVIR_", "VIR_"))]
    if libvirt.getVersion() >= 9001000:
        names = [name for name in names if name.startswith(COVERED) and not name.startswith(LEFT_OUT)]
    assert len(names) > 600
    assert {name: getattr(ballast, name, None) for name in names} == {name: getattr(libvirt, name) for name in names}


def test_dir_and_star_give_them_too(ballast: Any) -> None:
    assert {"VIR_DOMAIN_RUNNING", "open", "virEventRunDefaultImpl"} <= set(dir(ballast)) & set(ballast.__all__)
    assert all(hasattr(ballast, name) for name in ballast.__all__)


def test_others_are_not_there(ballast: Any) -> None:
    assert not hasattr(ballast, "VIR_DOMAIN_NONSENSE") and not hasattr(ballast, "nonsense")
