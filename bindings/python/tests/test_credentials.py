"""openAuth, and the answers that go back to the library."""

from __future__ import annotations

import ctypes
from typing import Any, List


class Credential(ctypes.Structure):
    """virConnectCredential."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("prompt", ctypes.c_char_p),
        ("challenge", ctypes.c_char_p),
        ("defresult", ctypes.c_char_p),
        ("result", ctypes.c_char_p),
        ("resultlen", ctypes.c_uint),
    ]


def test_answers_reach_the_library(ballast: Any) -> None:
    from ballast import _callbacks

    asked: List[Any] = []

    def answer(credentials: List[List[Any]], data: Any) -> int:
        asked.append(([list(one) for one in credentials], data))
        credentials[0][4] = "jemand"
        credentials[1][4] = "geheim ü"
        return 0

    number = _callbacks.register(answer, "data")
    wanted = (Credential * 3)(
        Credential(ballast.VIR_CRED_AUTHNAME, b"Name", b"host", b"root"),
        Credential(ballast.VIR_CRED_PASSPHRASE, "Paßwort".encode(), None, None),
        Credential(ballast.VIR_CRED_REALM, b"Realm", None, None),
    )
    assert _callbacks._credentials_wanted_c(ctypes.addressof(wanted), 3, number) == 0
    assert asked == [
        (
            [
                [ballast.VIR_CRED_AUTHNAME, "Name", "host", "root", None],
                [ballast.VIR_CRED_PASSPHRASE, "Paßwort", None, None, None],
                [ballast.VIR_CRED_REALM, "Realm", None, None, None],
            ],
            "data",
        )
    ]
    secret = "geheim ü".encode()
    assert [(one.result, one.resultlen) for one in wanted] == [(b"jemand", 6), (secret, len(secret)), (None, 0)]
    _callbacks.forget(number)
    assert _callbacks._credentials_wanted_c(ctypes.addressof(wanted), 3, number) == -1


def test_giving_up_and_failing_is_minus_one(ballast: Any, capfd: Any) -> None:
    from ballast import _callbacks

    wanted = (Credential * 1)(Credential(ballast.VIR_CRED_AUTHNAME, b"Name", None, None))
    for callback in (lambda credentials, data: -1, lambda credentials, data: 1 / 0):
        number = _callbacks.register(callback, None)
        assert _callbacks._credentials_wanted_c(ctypes.addressof(wanted), 1, number) == -1
        _callbacks.forget(number)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_opens_as_libvirt_does(libvirt: Any, ballast: Any) -> None:
    for module in (libvirt, ballast):
        conn = module.openAuth("test:///default", [[module.VIR_CRED_PASSPHRASE], lambda *unused: -1, None], 0)
        assert conn.getType() == "TEST"
        assert module.openAuth("test:///default", [[], None, None], module.VIR_CONNECT_RO).isAlive() == 1
