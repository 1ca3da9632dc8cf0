"""What libvirt-python 9.0 has, the package has: each method, function, class and constant, with the same parameters."""

from __future__ import annotations

import inspect
import os
import re
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from machines import CHECKOUT
from programs import as_of_9

CLASSES = ("virConnect", "virDomain", "libvirtError")


def _public(owner: Any) -> List[str]:
    return [name for name in dir(owner) if not name.startswith("_")]


def _functions(module: Any) -> Iterator[str]:
    """The functions that the module defines itself."""
    for name in _public(module):
        value = getattr(module, name)
        if inspect.isfunction(value) and value.__module__ == module.__name__:
            yield name


def _parameters(function: Any) -> List[Tuple[str, Any, Any]]:
    return [(one.name, one.default, one.kind) for one in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("kind", CLASSES)
def test_each_method_is_there_with_its_parameters(libvirt: Any, ballast: Any, kind: str) -> None:
    theirs, ours = getattr(libvirt, kind), getattr(ballast, kind)
    names = [name for name in _public(theirs) if callable(getattr(theirs, name)) and not hasattr(Exception, name)]
    assert len(names) >= (9 if kind == "libvirtError" else 130)
    expected = {name: _parameters(getattr(theirs, name)) for name in names}
    assert {name: _parameters(getattr(ours, name)) if hasattr(ours, name) else None for name in names} == expected
    assert set(names) <= set(dir(ours))
    assert all(getattr(ours, name).__doc__ and getattr(ours, name).__name__ == name for name in names)


def test_methods_of_newer_libvirts_are_there(ballast: Any) -> None:
    """Of 12.8, which no system that runs these tests has."""
    expected = {
        "announceInterface": ["device", "params", "flags"],
        "autostartOnce": [],
        "delThrottleGroup": ["group", "flags"],
        "graphicsReload": ["type", "flags"],
        "setAutostartOnce": ["autostart"],
        "setThrottleGroup": ["group", "params", "flags"],
    }
    given = {name: list(inspect.signature(getattr(ballast.virDomain, name)).parameters)[1:] for name in expected}
    assert given == expected


def test_each_function_is_there_with_its_parameters(libvirt: Any, ballast: Any) -> None:
    names = list(_functions(libvirt))
    assert len(names) >= 20
    expected = {name: _parameters(getattr(libvirt, name)) for name in names}
    assert {name: _parameters(getattr(ballast, name)) for name in names} == expected


def test_each_class_is_there(libvirt: Any, ballast: Any) -> None:
    names = [name for name in _public(libvirt) if inspect.isclass(getattr(libvirt, name)) and name.startswith("vir")]
    assert {"virNetwork", "virStoragePool", "virStream", "virDomainSnapshot"} <= set(names)
    for name in names:
        assert inspect.isclass(getattr(ballast, name)) and name in dir(ballast) and name in ballast.__all__
        with pytest.raises(TypeError):
            getattr(ballast, name)(None)


def _rows(kind: str) -> Dict[str, str]:
    """The methods that are not served, with the functions of the C library."""
    from ballast._unserved import TABLES

    return {row.partition("(")[0]: row.rpartition(" ")[2] for row in TABLES[kind].split("\n") if row}


def _arguments(method: Any) -> List[Any]:
    """As many as it needs."""
    return [None for one in inspect.signature(method).parameters.values() if one.default is one.empty]


@pytest.mark.parametrize("kind", ["virConnect", "virDomain"])
def test_what_is_not_served_says_so(libvirt: Any, ballast: Any, kind: str) -> None:
    conn, reader = ballast.open("test:///default"), ballast.openReadOnly("test:///default")
    rows = _rows(kind)
    assert len(rows) > 80
    refused_to_readers = 0
    for name, function in rows.items():
        codes = []
        for one in (conn, reader):
            method = getattr(one if kind == "virConnect" else one.lookupByName("test"), name)
            with pytest.raises(ballast.libvirtError) as raised:
                method(*_arguments(method))
            code, domain, message, level, *_ = raised.value.err
            assert domain > 0 and level == 2 and function in message
            assert raised.value.err == ballast.virGetLastError()
            codes.append(code)
        assert codes[0] == ballast.VIR_ERR_NO_SUPPORT
        assert codes[1] in (ballast.VIR_ERR_NO_SUPPORT, ballast.VIR_ERR_OPERATION_DENIED)
        refused_to_readers += codes[1] == ballast.VIR_ERR_OPERATION_DENIED
        # It is the function that libvirt-python calls; an older one lacks newer methods.
        theirs = getattr(getattr(libvirt, kind), name, None)
        assert theirs is None or f"libvirtmod.{function}(" in inspect.getsource(theirs)
    assert 0 < refused_to_readers < len(rows)


def test_what_the_c_library_serves_is_served_here() -> None:
    with open(os.path.join(CHECKOUT, "src", "Ballast.Native", "ballast-libvirt.h"), encoding="utf-8") as header:
        served = set(re.findall(r"\b(vir\w+)\(", header.read()))
    assert {"virDomainDefineXML", "virConnectOpen"} <= served
    assert not served & {function for kind in ("virConnect", "virDomain") for function in _rows(kind).values()}


def test_what_is_not_served_checks_its_arguments_and_needs_no_connection(ballast: Any) -> None:
    conn = ballast.open("test:///default")
    dom = conn.lookupByName("test")
    for call in (lambda: dom.migrate(), lambda: dom.abortJob(1), lambda: dom.attachDevice(nonsense=1), lambda: conn.listNetworks(0)):
        with pytest.raises(TypeError):
            call()
    del dom
    conn.close()
    with pytest.raises(ballast.libvirtError) as raised:
        conn.listNetworks()
    assert raised.value.get_str2() == "virConnectListNetworks"


def test_accepts_the_kinds_of_events_that_libvirt_does(libvirt: Any, ballast: Any) -> None:
    def tell(module: Any, number: int) -> Any:
        conn = module.open("test:///default")
        try:
            registration = conn.domainEventRegisterAny(None, number, lambda *_arguments: None, None)
            conn.domainEventDeregisterAny(registration)
            return "accepted"
        except module.libvirtError as error:
            return str(error), error.err

    for number in (-1, *range(27), 60):
        assert tell(ballast, number) == as_of_9(tell(libvirt, number), libvirt.getVersion()), number
    assert tell(ballast, 5) == tell(ballast, 26) == "accepted"
    assert [tell(ballast, number) for number in (27, 28, 29)] == ["accepted"] * 3  # Newer than 9.0.


def test_passes_on_the_arguments_of_graphics_events(ballast: Any) -> None:
    """Nothing here sends any, so the library's part is played."""
    from ctypes import Structure, c_char_p, c_int, c_void_p, cast, pointer

    from ballast import _callbacks

    class Address(Structure):
        _fields_ = [("family", c_int), ("node", c_char_p), ("service", c_char_p)]

    class Identity(Structure):
        _fields_ = [("kind", c_char_p), ("name", c_char_p)]

    class Subject(Structure):
        _fields_ = [("count", c_int), ("identities", c_void_p)]

    conn = ballast.open("test:///default")
    dom = conn.lookupByName("test")
    seen: List[Any] = []
    number = _callbacks.register(conn, lambda *arguments: seen.append(arguments), "opaque")
    local, remote = Address(0, b"::1", b"5900"), Address(2, None, b"/run/vnc")
    identities = (Identity * 2)(Identity(b"x509dname", b"CN=somebody"), Identity(b"saslUsername", None))
    subject = Subject(2, cast(identities, c_void_p))
    call = _callbacks._trampoline(ballast.VIR_DOMAIN_EVENT_ID_GRAPHICS)
    call(None, dom.c_pointer(), 1, pointer(local), pointer(remote), b"vnc", pointer(subject), number)
    call(None, dom.c_pointer(), 2, None, None, None, pointer(Subject(0, None)), number)
    _callbacks.forget(number)
    assert [(one[0], one[1].name(), *one[2:]) for one in seen] == [
        (
            conn, "test", 1, {"family": 0, "node": "::1", "service": "5900"}, {"family": 2, "node": None, "service": "/run/vnc"},
            "vnc", [("x509dname", "CN=somebody"), ("saslUsername", None)], "opaque",
        ),
        (conn, "test", 2, None, None, None, [], "opaque"),
    ]  # fmt: skip


def test_makes_room_for_no_more_cells_than_a_host_has(ballast: Any) -> None:
    conn = ballast.open("test:///default")
    for cells in (1 << 31, -1):
        assert conn.getFreePages([4], 0, cells) == conn.getFreePages([4], 0, 1)
