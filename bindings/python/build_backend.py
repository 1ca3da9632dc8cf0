"""Builds wheel and source archive (PEP 517), with Python alone.

The wheel carries libballast.so: the file that ``BALLAST_LIBRARY`` names, else the one that the checkout has built, else
the one beside the package in a source archive. Its tag says what that file needs: the machine and the C library.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import re
import tarfile
import time
import zipfile

_HERE = os.path.dirname(os.path.abspath(__file__))
_CHECKOUT = os.path.normpath(os.path.join(_HERE, "..", ".."))
_LIBRARY = "libballast.so"
_NAME = "ballast-vm"
_FILE_NAME = _NAME.replace("-", "_")
_SUMMARY = "How virtual machines use their memory, as their guests see it; libvirt-python's interface around memory"

# Of a source archive: all of it but the package.
_SOURCES = ("README.md", "build_backend.py", "pyproject.toml")

_ELF_MACHINES = {62: "x86_64", 183: "aarch64"}


def build_wheel(wheel_directory: str, config_settings: object = None, metadata_directory: object = None) -> str:
    """Builds the wheel and returns its name."""
    library = _find_library()
    with open(library, "rb") as file:
        content = file.read()
    tag = f"py3-none-{_platform(content)}"
    files = {f"ballast/{name}": _read(os.path.join("ballast", name)) for name in _package_files()}
    files[f"ballast/{_LIBRARY}"] = content
    for name, text in _metadata(tag).items():
        files[f"{_dist_info()}/{name}"] = text
    record = f"{_dist_info()}/RECORD"
    files[record] = "".join(_record_line(name, data) for name, data in files.items()).encode() + f"{record},,\n".encode()

    wheel = f"{_FILE_NAME}-{_version()}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, wheel), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, time.gmtime(max(_moment(), 315532800))[:6])  # A zip begins in 1980.
            entry.external_attr = (0o755 if name.endswith(".so") else 0o644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return wheel


def build_sdist(sdist_directory: str, config_settings: object = None) -> str:
    """Builds the source archive, which has the library where there is one, and returns its name."""
    top = f"{_FILE_NAME}-{_version()}"
    files = {name: _read(name) for name in _SOURCES}
    for name in _package_files():
        files[f"ballast/{name}"] = _read(os.path.join("ballast", name))
    license_file = _license()
    if license_file is not None:
        files["LICENSE"] = license_file
    try:
        with open(_find_library(), "rb") as file:
            files[f"ballast/{_LIBRARY}"] = file.read()
    except FileNotFoundError:
        pass  # Whoever builds a wheel of it names the library then.
    files["PKG-INFO"] = _core_metadata()

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = len(data)
            entry.mtime = _moment()
            entry.mode = 0o755 if name.endswith(".so") else 0o644
            archive.addfile(entry, io.BytesIO(data))
    with open(os.path.join(sdist_directory, f"{top}.tar.gz"), "wb") as file:
        file.write(gzip.compress(buffer.getvalue(), mtime=_moment()))
    return f"{top}.tar.gz"


def _find_library() -> str:
    named = os.environ.get("BALLAST_LIBRARY")
    candidates = (
        [named] if named else [os.path.join(_CHECKOUT, "artifacts", "native", _LIBRARY), os.path.join(_HERE, "ballast", _LIBRARY)]
    )
    for path in candidates:
        if os.path.isfile(path):
            return path
    raise FileNotFoundError(f"no {_LIBRARY} to put into the wheel: {' and '.join(candidates)} are not there")


def _platform(library: bytes) -> str:
    """The tag of the systems that the library runs on. The newest symbol version that it names is the oldest C library
    that has what it needs; a number that stands there by chance only makes the tag stricter."""
    machine = _ELF_MACHINES.get(int.from_bytes(library[18:20], "little")) if library[:4] == b"\x7fELF" else None
    if machine is None:
        raise ValueError(f"{_LIBRARY} is not a library for Linux on {' or '.join(_ELF_MACHINES.values())}")
    minors = [int(minor) for minor in re.findall(rb"\0GLIBC_2\.(\d{1,3})(?=[.\0])", library)]
    return f"manylinux_2_{max(17, *minors)}_{machine}" if minors else f"linux_{machine}"


def _package_files() -> list[str]:
    return sorted(name for name in os.listdir(os.path.join(_HERE, "ballast")) if name.endswith((".py", ".typed")))


def _version() -> str:
    match = re.search(rb'^__version__ = "([^"]+)"$', _read("ballast/__init__.py"), re.MULTILINE)
    if match is None:
        raise ValueError("ballast/__init__.py has no __version__")
    return match[1].decode()


def _dist_info() -> str:
    return f"{_FILE_NAME}-{_version()}.dist-info"


def _metadata(tag: str) -> dict[str, bytes]:
    files = {
        "METADATA": _core_metadata(),
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: ballast\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(),
    }
    license_file = _license()
    if license_file is not None:
        files["LICENSE"] = license_file
    return files


def _core_metadata() -> bytes:
    return (
        f"Metadata-Version: 2.1\nName: {_NAME}\nVersion: {_version()}\nSummary: {_SUMMARY}\nLicense: Apache-2.0\n"
        "Requires-Python: >=3.9\nDescription-Content-Type: text/markdown\n\n"
    ).encode() + _read("README.md")


def _license() -> bytes | None:
    for directory in (_HERE, _CHECKOUT):
        try:
            with open(os.path.join(directory, "LICENSE"), "rb") as file:
                return file.read()
        except FileNotFoundError:
            continue
    return None


def _record_line(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    return f"{name},sha256={digest},{len(data)}\n"


def _read(name: str) -> bytes:
    with open(os.path.join(_HERE, name), "rb") as file:
        return file.read()


def _moment() -> int:
    """The time that all files get, so that equal sources give equal archives."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", "1735689600"))
